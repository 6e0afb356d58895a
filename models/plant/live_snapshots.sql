with periods as (
    select
        *,
        (snapshot_timestamp at time zone timezone)::date as local_date
    from {{ kpi_engine.periods(ref('int_plant__calendar')) }} as periods
),

production_targets as (
    select * from {{ ref('stg_plant__production_targets') }}
),

production_counts as (
    select * from {{ ref('stg_plant__production_counts') }}
),

-- The local day that a snapshot lies in.
days as (
    select
        asset_id,
        snapshot_timestamp,
        local_date,
        {{ kpi_engine.local_instant(
            'local_date::timestamp', 'timezone'
        ) }} as starts_at,
        {{ kpi_engine.local_instant('(local_date + 1)::timestamp', 'timezone') }}
            as ends_at
    from periods
),

outputs as (
    select
        days.asset_id,
        days.snapshot_timestamp,
        counts.good as current_output,
        round(
            production_targets.target_output
            * extract(epoch from days.snapshot_timestamp - days.starts_at)
            / extract(epoch from days.ends_at - days.starts_at)
        )::integer as target_output
    from days

    inner join lateral (
        select coalesce(sum(production_counts.good_count), 0)::integer as good
        from production_counts
        where
            production_counts.asset_id = days.asset_id
            and production_counts.counted_at >= days.starts_at
            and production_counts.counted_at < days.snapshot_timestamp
    ) as counts on true

    left join production_targets
        on
            days.asset_id = production_targets.asset_id
            and days.local_date = production_targets.target_date
),

final as (
    select
        -- In UTC, since a moment's text depends on the session's time zone.
        {{ kpi_engine.row_id(['asset_id', "snapshot_timestamp at time zone 'UTC'"]) }}
            as id,
        asset_id,
        snapshot_timestamp,
        current_output,
        target_output,
        current_output - target_output as output_variance,
        case
            when current_output < 0.95 * target_output then 'behind'
            when current_output > 1.05 * target_output then 'ahead'
            when target_output is not null then 'on_target'
        end as status,
        now() as created_at
    from outputs
)

select * from final
