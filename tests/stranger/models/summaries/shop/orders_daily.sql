select
    periods.shop_id,
    periods.metric_date,
    figures.orders,
    figures.revenue,
    now() as computed_at
from {{ kpi_engine.periods(ref('shop_calendar')) }} as periods
inner join lateral (
    select
        count(*)::integer as orders,
        coalesce(sum(orders.total), 0) as revenue
    from {{ ref('stg_orders') }} as orders
    where
        orders.shop_id = periods.shop_id
        and {{ kpi_engine.in_period('orders.ordered_at') }}
) as figures on true
