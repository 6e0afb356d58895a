select
    customers.shop_id,
    customers.customer_id,
    customers.joined_at,
    figures.orders_in_30_days,
    now() as computed_at
from {{ kpi_engine.periods(ref('shop_calendar')) }} as periods
inner join {{ ref('stg_customers') }} as customers
    on periods.shop_id = customers.shop_id
inner join lateral (
    select count(*)::integer as orders_in_30_days
    from {{ ref('stg_orders') }} as orders
    where
        orders.shop_id = customers.shop_id
        and orders.customer_id = customers.customer_id
        and orders.ordered_at < customers.joined_at + interval '30 days'
) as figures on true
