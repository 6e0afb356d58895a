with periods as (
    select * from {{ kpi_engine.periods(ref('int_community__calendar')) }} as periods
),

kpi_daily as (
    select * from {{ ref('kpi_daily') }}
),

final as (
    select
        {{ kpi_engine.row_id([
            'periods.community_id',
            'extract(isoyear from periods.week_start)::integer',
            'extract(week from periods.week_start)::integer',
        ]) }} as id,
        periods.community_id,
        extract(isoyear from periods.week_start)::integer as year,
        extract(week from periods.week_start)::integer as week_number,
        periods.week_start,
        days.total_entries,
        days.incidents_reported,
        days.incidents_resolved,
        days.payments_amount,
        days.avg_daily_entries,
        {{ kpi_engine.percent_change('days.total_entries', 'previous.total_entries') }}
            as entries_change_pct,
        {{ kpi_engine.percent_change(
            'days.incidents_reported', 'previous.incidents_reported'
        ) }} as incidents_change_pct,
        now() as computed_at
    from periods

    inner join lateral (
        select
            coalesce(sum(kpi_daily.total_entries), 0)::integer
                as total_entries,
            coalesce(sum(kpi_daily.incidents_reported), 0)::integer
                as incidents_reported,
            coalesce(sum(kpi_daily.incidents_resolved), 0)::integer
                as incidents_resolved,
            coalesce(sum(kpi_daily.payments_amount), 0) as payments_amount,
            round(avg(kpi_daily.total_entries), 2) as avg_daily_entries
        from kpi_daily
        where
            kpi_daily.community_id = periods.community_id
            and kpi_daily.metric_date >= periods.week_start
            and kpi_daily.metric_date < periods.week_start + 7
    ) as days on true

    inner join lateral (
        select
            sum(kpi_daily.total_entries) as total_entries,
            sum(kpi_daily.incidents_reported) as incidents_reported
        from kpi_daily
        where
            kpi_daily.community_id = periods.community_id
            and kpi_daily.metric_date >= periods.week_start - 7
            and kpi_daily.metric_date < periods.week_start
    ) as previous on true
)

select * from final
