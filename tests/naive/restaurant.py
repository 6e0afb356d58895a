"""The restaurants' summary, straight from the source tables."""

# A location's settings hold for the account that owns it.
METRICS_DAILY = """
with work (account_id, location_id, at, call_type, status, sold, guests, override)
as (
    select
        account_id, location_id, started_at, call_type, status,
        null::numeric, null::int, null::numeric
    from restaurant.calls
    union all
    select
        account_id, location_id, created_at, null, null, total_amount, null, null
    from restaurant.orders
    union all
    select
        account_id, location_id, created_at, null, null, null,
        guest_count, avg_spend_per_head_override
    from restaurant.reservations
),
valued as (
    select
        w.account_id,
        w.location_id,
        (w.at at time zone a.timezone)::date as date,
        w.call_type,
        case
            when coalesce(s.revenue_mode, 'both') in ('orders', 'both') then w.sold
        end as sold,
        case
            when coalesce(s.revenue_mode, 'both') in ('reservations', 'both')
                then w.guests * coalesce(
                    w.override, o.avg_spend_per_head, s.avg_spend_per_head, 0
                )
        end as expected,
        case
            when w.status = 'completed'
                then coalesce(
                    o.minutes_saved_baseline_seconds,
                    s.minutes_saved_baseline_seconds,
                    120
                )
        end as seconds
    from work w
    join restaurant.accounts a on a.id = w.account_id
    left join restaurant.account_settings s on s.account_id = w.account_id
    left join restaurant.locations l
        on l.id = w.location_id and l.account_id = w.account_id
    left join restaurant.location_settings o on o.location_id = l.id
    where w.at < %(now)s
)
select
    account_id,
    location_id,
    date,
    count(call_type) as total_calls,
    count(case when call_type = 'order' then 1 end) as orders_count,
    count(case when call_type = 'reservation' then 1 end) as reservations_count,
    coalesce(sum(sold), 0) as total_revenue_orders,
    round(coalesce(sum(expected), 0), 2) as total_revenue_res_estimate,
    round(coalesce(sum(seconds), 0) / 60.0, 2) as minutes_saved
from valued
group by 1, 2, 3
"""

QUERIES = {"metrics_daily": METRICS_DAILY}
