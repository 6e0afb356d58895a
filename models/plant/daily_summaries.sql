with periods as (
    select * from {{ kpi_engine.periods(ref('int_plant__calendar')) }} as periods
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

-- The claimed days of each asset, and how far they reach.
spans as (
    select
        asset_id,
        timezone,
        min(starts_at) as starts_at,
        max(ends_at) as ends_at
    from periods
    group by asset_id, timezone
),

-- The days that each stop covers. Materialized: else the planner may look
-- through all periods for each stop.
stop_days as materialized (
    select
        stops.*,
        days.day::date as report_date
    from spans
    inner join stops
        on
            spans.asset_id = stops.asset_id
            and spans.ends_at > stops.started_at
            and (spans.starts_at < stops.ended_at or stops.ended_at is null)
    cross join lateral generate_series(
        date_trunc(
            'day',
            greatest(stops.started_at, spans.starts_at)
            at time zone spans.timezone
        ),
        least(stops.ended_at, spans.ends_at) at time zone spans.timezone,
        interval '1 day'
    ) as days (day)
),

-- When the asset stood still on a day: for each reason, and, where that is
-- null, for any. Stops that overlap are one.
stopped as (
    select
        periods.asset_id,
        periods.report_date,
        stop_days.reason_code,
        range_agg(
            tstzrange(stop_days.started_at, stop_days.ended_at)
            * tstzrange(periods.starts_at, periods.ends_at)
        ) as during
    from periods
    inner join stop_days
        on
            periods.asset_id = stop_days.asset_id
            and periods.report_date = stop_days.report_date
    group by
        periods.asset_id,
        periods.report_date,
        rollup (stop_days.reason_code)
),

reasons as (
    select
        asset_id,
        report_date,
        reason_code,
        (
            select
                coalesce(
                    sum(extract(epoch from upper(part) - lower(part))), 0
                )
            from unnest(stopped.during) as part
        ) as seconds
    from stopped
),

downtime as (
    select
        periods.asset_id,
        periods.report_date,
        coalesce(
            max(reasons.seconds) filter (where reasons.reason_code is null), 0
        ) as seconds,
        (
            array_agg(
                reasons.reason_code
                order by reasons.seconds desc, reasons.reason_code asc
            ) filter (where reasons.reason_code is not null)
        )[1] as longest_reason
    from periods
    left join reasons
        on
            periods.asset_id = reasons.asset_id
            and periods.report_date = reasons.report_date
    group by periods.asset_id, periods.report_date
),

days as (
    select
        periods.asset_id,
        periods.report_date,
        assets.name,
        counts.good,
        counts.waste,
        production_targets.target_output,
        downtime.longest_reason,
        60.0 * production_targets.planned_minutes as planned_seconds,
        60.0 * production_targets.planned_minutes - downtime.seconds
            as running_seconds,
        downtime.seconds / 60 as down_minutes,
        (counts.good + counts.waste)::numeric as total,
        (
            downtime.seconds * assets.cost_per_minute
            + 60 * counts.waste * assets.cost_per_waste_unit
        ) / 60 as loss
    from periods

    inner join lateral (
        select
            count(*) as counts,
            coalesce(sum(production_counts.good_count), 0)::integer as good,
            coalesce(sum(production_counts.waste_count), 0)::integer as waste
        from production_counts
        where
            production_counts.asset_id = periods.asset_id
            and {{ kpi_engine.in_period('production_counts.counted_at') }}
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
-- where a count below zero corrects another: (running / planned) * (total *
-- planned / (target * running)) * (good / total), reduced to one division. At
-- full speed and more, performance is 1.
rated as (
    select
        *,
        case
            when (planned_seconds > 0 and target_output > 0) is not true
                then null
            when least(running_seconds, good, total) <= 0 then 0
            when total * planned_seconds < target_output * running_seconds
                then {{ kpi_engine.percent_of('least(good, total)', 'target_output') }}
            else
                {{ kpi_engine.percent_of(
                    'running_seconds * least(good, total)',
                    'planned_seconds * total'
                ) }}
        end as oee_percentage
    from days
),

final as (
    select
        {{ kpi_engine.row_id(['asset_id', 'report_date']) }} as id,
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
            {{ kpi_engine.number_of('good', 'good unit') }},
            coalesce(
                ' against a target of '
                || to_char(target_output, 'FM9,999,999,990'),
                ' without a target'
            ),
            ' (OEE ' || to_char(oee_percentage, 'FM990.00') || ' %)',
            ', wasted ',
            {{ kpi_engine.number_of('waste', 'unit') }},
            ' and lost ',
            {{ kpi_engine.number_of(
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
