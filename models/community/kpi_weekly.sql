with periods as (
    select * from {{ periods(ref('int_community__calendar')) }}
),

kpi_daily as (
    select * from {{ ref('kpi_daily') }}
),

-- Each week beside the week before it, which its trend is measured against.
weeks as (
    select
        periods.community_id,
        periods.week_start,
        kpi_daily.metric_date >= periods.week_start as is_current,
        kpi_daily.total_entries,
        kpi_daily.incidents_reported,
        kpi_daily.incidents_resolved,
        kpi_daily.payments_amount
    from periods
    left join kpi_daily
        on
            periods.community_id = kpi_daily.community_id
            and kpi_daily.metric_date >= periods.week_start - 7
            and kpi_daily.metric_date < periods.week_start + 7
),

totals as (
    select
        community_id,
        week_start,
        coalesce(sum(total_entries) filter (where is_current), 0)
            as total_entries,
        coalesce(sum(incidents_reported) filter (where is_current), 0)
            as incidents_reported,
        coalesce(sum(incidents_resolved) filter (where is_current), 0)
            as incidents_resolved,
        coalesce(sum(payments_amount) filter (where is_current), 0)
            as payments_amount,
        avg(total_entries) filter (where is_current) as avg_daily_entries,
        sum(total_entries) filter (where not is_current) as previous_entries,
        sum(incidents_reported) filter (where not is_current)
            as previous_incidents
    from weeks
    group by community_id, week_start
),

final as (
    select
        {{ row_id([
            'community_id',
            'extract(isoyear from week_start)::integer',
            'extract(week from week_start)::integer',
        ]) }} as id,
        community_id,
        extract(isoyear from week_start)::integer as year,
        extract(week from week_start)::integer as week_number,
        week_start,
        total_entries::integer as total_entries,
        incidents_reported::integer as incidents_reported,
        incidents_resolved::integer as incidents_resolved,
        payments_amount,
        round(avg_daily_entries, 2) as avg_daily_entries,
        {{ percent_change('total_entries', 'previous_entries') }}
            as entries_change_pct,
        {{ percent_change('incidents_reported', 'previous_incidents') }}
            as incidents_change_pct,
        now() as computed_at
    from totals
)

select * from final
