with periods as (
    select * from {{ periods(ref('int_plant__calendar')) }} as periods
),

assets as (
    select * from {{ ref('stg_plant__assets') }}
),

production_targets as (
    select * from {{ ref('stg_plant__production_targets') }}
),

production_counts as (
    select * from {{ ref('stg_plant__production_counts') }}
),

stops as (
    select * from {{ ref('int_plant__stops') }}
),

-- In how many of the day's minutes the asset stood still: for each reason, and,
-- where that is null, for any. Stops that overlap are one.
reasons as (
    select
        periods.asset_id,
        periods.report_date,
        stopped.reason_code,
        (
            select sum(extract(epoch from upper(part) - lower(part))) / 60
            from unnest(stopped.during) as part
        ) as minutes
    from periods
    inner join lateral (
        select
            stops.reason_code,
            range_agg(
                tstzrange(stops.started_at, stops.ended_at)
                * tstzrange(periods.starts_at, periods.ends_at)
            ) as during
        from stops
        where
            stops.asset_id = periods.asset_id
            and stops.started_at < periods.ends_at
            and (stops.ended_at > periods.starts_at or stops.ended_at is null)
        group by rollup (stops.reason_code)
    ) as stopped on true
),

downtime as (
    select
        asset_id,
        report_date,
        coalesce(max(minutes) filter (where reason_code is null), 0) as minutes,
        (
            array_agg(reason_code order by minutes desc, reason_code asc)
            filter (where reason_code is not null)
        )[1] as longest_reason
    from reasons
    group by asset_id, report_date
),

days as (
    select
        periods.asset_id,
        periods.report_date,
        assets.name,
        counts.good,
        counts.waste,
        production_targets.target_output,
        production_targets.planned_minutes,
        downtime.minutes as down_minutes,
        downtime.longest_reason,
        (counts.good + counts.waste)::numeric as total,
        production_targets.planned_minutes - downtime.minutes
            as running_minutes,
        downtime.minutes * assets.cost_per_minute
        + counts.waste * assets.cost_per_waste_unit as loss
    from periods

    inner join lateral (
        select
            count(*) as counts,
            coalesce(sum(production_counts.good_count), 0)::integer as good,
            coalesce(sum(production_counts.waste_count), 0)::integer as waste
        from production_counts
        where
            production_counts.asset_id = periods.asset_id
            and {{ during('production_counts.counted_at') }}
    ) as counts on true

    left join production_targets
        on
            periods.asset_id = production_targets.asset_id
            and periods.report_date = production_targets.target_date

    inner join downtime
        on
            periods.asset_id = downtime.asset_id
            and periods.report_date = downtime.report_date

    inner join assets on periods.asset_id = assets.asset_id

    where counts.counts > 0 or production_targets.asset_id is not null
),

-- Availability times performance times quality, each of them from 0 to 1, even
-- where a count below zero corrects another.
rated as (
    select
        *,
        case
            when (planned_minutes > 0 and target_output > 0) is not true
                then null
            when least(running_minutes, good, total) <= 0 then 0
            else
                round(
                    100
                    * (running_minutes / planned_minutes)
                    * least(
                        total * planned_minutes
                        / (target_output * running_minutes),
                        1
                    )
                    * least(good / total, 1),
                    2
                )
        end as oee_percentage
    from days
),

final as (
    select
        {{ row_id(['asset_id', 'report_date']) }} as id,
        asset_id,
        report_date,
        oee_percentage,
        good as actual_output,
        target_output,
        round(down_minutes, 2) as downtime_minutes,
        waste as waste_count,
        round(loss, 2) as financial_loss_dollars,
        concat(
            name,
            ' made ',
            {{ number_of('good', 'good unit') }},
            coalesce(
                ' against a target of '
                || to_char(target_output, 'FM9,999,999,990'),
                ' without a target'
            ),
            ' (OEE ' || to_char(oee_percentage, 'FM990.00') || ' %)',
            ', wasted ',
            {{ number_of('waste', 'unit') }},
            ' and lost ',
            {{ number_of(
                'greatest(round(down_minutes), sign(down_minutes))', 'minute'
            ) }},
            ' to downtime',
            ' (longest reason: ' || longest_reason || ')',
            case
                when round(loss, 2) > 0
                    then
                        ', a loss of $'
                        || to_char(loss, 'FM9,999,999,990.00')
            end,
            '.'
        ) as smart_summary_text,
        now() as created_at,
        now() as updated_at
    from rated
)

select * from final
