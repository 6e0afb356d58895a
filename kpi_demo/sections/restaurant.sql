-- The strongest accounts' revenue a day over fourteen days, and its change
-- against the fourteen days before.
with settings as (
    select
        14 as days,
        (%(until)s::timestamptz at time zone 'UTC')::date as until_on
),

calendar as (
    select
        accounts.id as account_id,
        accounts.name,
        settings.until_on - days_ago as revenue_date,
        days_ago <= settings.days as is_recent
    from settings
    cross join restaurant.accounts
    cross join lateral generate_series(1, 2 * settings.days) as days_ago
),

revenue as (
    select
        calendar.account_id,
        calendar.name,
        calendar.revenue_date,
        calendar.is_recent,
        coalesce(
            sum(
                metrics_daily.total_revenue_orders
                + metrics_daily.total_revenue_res_estimate
            ),
            0
        ) as amount,
        coalesce(sum(metrics_daily.minutes_saved), 0) as minutes_saved
    from calendar
    left join analytics.metrics_daily
        on
            calendar.account_id = metrics_daily.account_id
            and calendar.revenue_date = metrics_daily.date
    group by
        calendar.account_id,
        calendar.name,
        calendar.revenue_date,
        calendar.is_recent
),

summed as (
    select
        name,
        array_agg(amount order by revenue_date) filter (where is_recent)
            as amounts,
        sum(amount) filter (where is_recent) as total,
        sum(amount) filter (where not is_recent) as previous,
        sum(minutes_saved) filter (where is_recent) as minutes_saved
    from revenue
    group by
        account_id,
        name
)

select
    name,
    amounts,
    to_char(total, 'FM999,999,990') as figure,
    round((total - previous) / nullif(previous, 0) * 100, 2) as change_pct,
    'saved: ' || to_char(minutes_saved / 60, 'FM9,990.0 h') as note
from summed
order by
    total desc,
    name asc
limit 3
