with daily_summaries as (
    select * from {{ ref('daily_summaries') }}
),

assets as (
    select * from {{ ref('stg_plant__assets') }}
),

downtime_events as (
    select
        downtime_events.asset_id,
        downtime_events.started_at,
        reasons.reason,
        assets.timezone,
        coalesce(downtime_events.ended_at, models.refreshed_through)
            as ended_at
    from {{ ref('stg_plant__downtime_events') }} as downtime_events
    inner join assets on downtime_events.asset_id = assets.asset_id
    inner join orchestrator.models on models.model = 'daily_summaries'
    cross join
        unnest(array[downtime_events.reason_code, 'any of these'])
            as reasons (reason)
),

begun as (
    select
        *,
        coalesce(
            started_at > max(ended_at) over (
                partition by asset_id, reason
                order by started_at, ended_at
                rows between unbounded preceding and 1 preceding
            ),
            true
        ) as ran_before
    from downtime_events
    where ended_at >= started_at
),

numbered as (
    select
        *,
        count(*) filter (where ran_before) over (
            partition by asset_id, reason
            order by started_at, ended_at
            rows unbounded preceding
        ) as standstill
    from begun
),

standstills as (
    select
        asset_id,
        reason,
        timezone,
        standstill,
        min(started_at at time zone timezone) as stood_from,
        max(ended_at at time zone timezone) as stood_until
    from numbered
    group by asset_id, reason, timezone, standstill
),

by_day as (
    select
        standstills.asset_id,
        standstills.reason,
        days.midnight::date as report_date,
        sum(
            extract(
                epoch from
                least(standstills.stood_until, days.midnight + interval '1 day')
                at time zone standstills.timezone
                - greatest(standstills.stood_from, days.midnight)
                at time zone standstills.timezone
            )
        ) / 60 as minutes
    from standstills
    cross join
        generate_series(
            date_trunc('day', standstills.stood_from),
            standstills.stood_until,
            interval '1 day'
        ) as days (midnight)
    group by standstills.asset_id, standstills.reason, days.midnight
),

totals as (
    select * from by_day
    where reason = 'any of these'
),

longest as (
    select distinct on (asset_id, report_date) *
    from by_day
    where reason <> 'any of these' and minutes > 0
    order by asset_id asc, report_date asc, minutes desc, reason asc
),

different as (
    select
        daily_summaries.asset_id,
        daily_summaries.report_date,
        daily_summaries.downtime_minutes,
        daily_summaries.financial_loss_dollars,
        daily_summaries.smart_summary_text,
        totals.minutes,
        longest.reason
    from daily_summaries
    inner join assets on daily_summaries.asset_id = assets.asset_id
    left join totals
        on
            daily_summaries.asset_id = totals.asset_id
            and daily_summaries.report_date = totals.report_date
    left join longest
        on
            daily_summaries.asset_id = longest.asset_id
            and daily_summaries.report_date = longest.report_date
    where
        daily_summaries.downtime_minutes
        <> round(coalesce(totals.minutes, 0), 2)
        or daily_summaries.financial_loss_dollars <> round(
            assets.cost_per_minute * coalesce(totals.minutes, 0)
            + assets.cost_per_waste_unit * daily_summaries.waste_count,
            2
        )
        or strpos(
            daily_summaries.smart_summary_text,
            coalesce('(longest reason: ' || longest.reason || ')', ' downtime')
        ) = 0
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'daily_summaries',
    'different.asset_id',
    'different.report_date',
    'different.report_date'
) }}
