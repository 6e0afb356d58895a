select
    periods.shop_id,
    periods.metric_month,
    figures.revenue,
    now() as computed_at
from {{ kpi_engine.periods(ref('shop_calendar')) }} as periods
inner join lateral (
    select coalesce(sum(days.revenue), 0) as revenue
    from {{ ref('orders_daily') }} as days
    where
        days.shop_id = periods.shop_id
        and days.metric_date >= periods.metric_month
        and days.metric_date < periods.metric_month + interval '1 month'
) as figures on true
