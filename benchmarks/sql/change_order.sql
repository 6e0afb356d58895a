-- Change the amount of an order at random; return where the summary shows it, and
-- what it shows now.
with drawn as materialized (
    select 1 + floor(random() * %(rows)s)::bigint as id
    from generate_series(1, 20)
),

-- Some accounts count no orders.
chosen as materialized (
    select orders.id
    from drawn
    inner join restaurant.orders on orders.id = drawn.id
    left join restaurant.account_settings
        on account_settings.account_id = orders.account_id
    where account_settings.revenue_mode is distinct from 'reservations'
    limit 1
),

changed as (
    update restaurant.orders
    set total_amount = (total_amount::numeric + 1)::analytics.money_amount
    from chosen
    where orders.id = chosen.id
    returning orders.account_id, orders.location_id, orders.created_at
)

select
    changed.account_id,
    changed.location_id,
    metrics_daily.date,
    metrics_daily.computed_at
from changed
inner join restaurant.accounts on accounts.id = changed.account_id
inner join analytics.metrics_daily
    on metrics_daily.account_id = changed.account_id
    and metrics_daily.location_id = changed.location_id
    and metrics_daily.date
    = (changed.created_at at time zone accounts.timezone)::date
