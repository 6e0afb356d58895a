drop materialized view if exists benchmark.view;

-- As the view that most people would write: every row, grouped once.
create materialized view benchmark.view as
with work as (
    select
        account_id, location_id, started_at as at, call_type, status,
        null::numeric as amount, null::integer as guests, null::numeric as spend
    from restaurant.calls
    union all
    select account_id, location_id, created_at, null, null, total_amount, null, null
    from restaurant.orders
    union all
    select
        account_id, location_id, created_at, null, null, null,
        guest_count, avg_spend_per_head_override
    from restaurant.reservations
)

select
    work.account_id,
    work.location_id,
    (work.at at time zone accounts.timezone)::date as date,
    count(work.call_type)::integer as total_calls,
    (count(*) filter (where work.call_type = 'order'))::integer as orders_count,
    (count(*) filter (where work.call_type = 'reservation'))::integer
        as reservations_count,
    coalesce(sum(work.amount) filter (
        where settings.revenue_mode is distinct from 'reservations'
    ), 0) as total_revenue_orders,
    coalesce(sum(work.guests * coalesce(
        work.spend, own.avg_spend_per_head, settings.avg_spend_per_head, 0
    )) filter (where settings.revenue_mode is distinct from 'orders'), 0)
        as total_revenue_res_estimate,
    round(count(*) filter (where work.status = 'completed') * coalesce(
        min(own.minutes_saved_baseline_seconds),
        min(settings.minutes_saved_baseline_seconds),
        120
    ) / 60.0, 2) as minutes_saved
from work
inner join restaurant.accounts as accounts on accounts.id = work.account_id
left join restaurant.account_settings as settings
    on settings.account_id = work.account_id
left join restaurant.location_settings as own
    on own.location_id = work.location_id
group by 1, 2, 3;

create unique index on benchmark.view (account_id, location_id, date);
analyze benchmark.view;
