with live_snapshots as (
    select distinct on (asset_id) *
    from {{ ref('live_snapshots') }}
    order by asset_id asc, snapshot_timestamp desc
),

assets as (
    select * from {{ ref('stg_plant__assets') }}
),

production_counts as (
    select * from {{ ref('stg_plant__production_counts') }}
),

production_targets as (
    select * from {{ ref('stg_plant__production_targets') }}
),

snapshots as (
    select
        live_snapshots.asset_id,
        live_snapshots.snapshot_timestamp,
        live_snapshots.current_output,
        live_snapshots.target_output,
        live_snapshots.output_variance,
        live_snapshots.status,
        assets.timezone,
        date_trunc(
            'day', live_snapshots.snapshot_timestamp, assets.timezone
        ) as midnight,
        date_trunc(
            'day',
            date_trunc(
                'day', live_snapshots.snapshot_timestamp, assets.timezone
            ) + interval '36 hours',
            assets.timezone
        ) as next_midnight
    from live_snapshots
    inner join assets on live_snapshots.asset_id = assets.asset_id
),

made as (
    select
        snapshots.asset_id,
        sum(production_counts.good_count) as good
    from snapshots
    inner join production_counts
        on
            snapshots.asset_id = production_counts.asset_id
            and snapshots.snapshot_timestamp > production_counts.counted_at
            and snapshots.midnight <= production_counts.counted_at
    group by snapshots.asset_id
),

different as (
    select
        snapshots.asset_id,
        snapshots.snapshot_timestamp,
        snapshots.current_output,
        snapshots.target_output,
        snapshots.output_variance,
        snapshots.status,
        snapshots.midnight,
        snapshots.next_midnight,
        made.good,
        production_targets.target_output as day_target
    from snapshots
    left join made on snapshots.asset_id = made.asset_id
    left join production_targets
        on
            snapshots.asset_id = production_targets.asset_id
            and (snapshots.snapshot_timestamp at time zone snapshots.timezone)
            ::date = production_targets.target_date
)

select * from different
where
    (
        current_output <> coalesce(good, 0)
        or (target_output is null) <> (day_target is null)
        or abs(
            target_output - day_target * (
                extract(epoch from snapshot_timestamp - midnight)
                / extract(epoch from next_midnight - midnight)
            )
        ) > 0.5
        or status is distinct from case
            when day_target is null then null
            when abs(output_variance) * 20 <= target_output then 'on_target'
            when output_variance > 0 then 'ahead'
            else 'behind'
        end
    )
    and {{ kpi_engine.has_no_open_request(
        'live_snapshots',
        'different.asset_id',
        'different.midnight',
        'different.snapshot_timestamp'
    ) }}
