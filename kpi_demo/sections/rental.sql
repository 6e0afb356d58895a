-- What the business took in, had out and was asked for over fourteen days, against
-- the fourteen days before, and what is wrong with it now.
with settings as (
    select
        14 as days,
        (%(until)s::timestamptz at time zone 'America/New_York')::date
            as until_on
),

calendar as (
    select
        settings.until_on - days_ago as bucket_date,
        days_ago <= settings.days as is_recent
    from settings
    cross join lateral generate_series(1, 2 * settings.days) as days_ago
),

alerts as (
    select
        count(*) filter (where alert_type = 'payment_overdue') as payments,
        count(*) filter (where alert_type = 'low_utilization') as machines,
        count(*) filter (where alert_type = 'sla_breach') as tickets
    from analytics.alert_candidates
),

figures as (
    select
        1 as line_no,
        'Revenue' as name,
        'FM999,999,990' as form,
        false as is_mean,
        bucket_date,
        gross_revenue as figure,
        'payments overdue: ' || alerts.payments as note
    from analytics.revenue_trends
    cross join alerts

    union all

    select
        2 as line_no,
        'Machines out' as name,
        'FM990.0 %%' as form,
        true as is_mean,
        snapshot_date as bucket_date,
        (metrics #>> '{utilization_pct, value}')::numeric as figure,
        'hardly used: ' || alerts.machines as note
    from analytics.dashboard_kpis
    cross join alerts

    union all

    select
        3 as line_no,
        'Bookings' as name,
        'FM999,990' as form,
        false as is_mean,
        bucket_date,
        bookings as figure,
        'tickets overdue: ' || alerts.tickets as note
    from analytics.booking_trends
    cross join alerts
),

compared as (
    select
        figures.line_no,
        figures.name,
        figures.form,
        figures.note,
        array_agg(coalesce(figures.figure, 0) order by calendar.bucket_date)
        filter (where calendar.is_recent) as days,
        case
            when figures.is_mean
                then avg(figures.figure) filter (where calendar.is_recent)
            else sum(figures.figure) filter (where calendar.is_recent)
        end as figure,
        case
            when figures.is_mean
                then avg(figures.figure) filter (where not calendar.is_recent)
            else sum(figures.figure) filter (where not calendar.is_recent)
        end as previous
    from calendar
    inner join figures on calendar.bucket_date = figures.bucket_date
    group by
        figures.line_no,
        figures.name,
        figures.form,
        figures.is_mean,
        figures.note
)

select
    name,
    days,
    to_char(figure, form) as figure,
    round((figure - previous) / nullif(previous, 0) * 100, 2) as change_pct,
    note
from compared
order by line_no
