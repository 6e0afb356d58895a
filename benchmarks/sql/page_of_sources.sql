-- Two of its lines, read from the source tables of the one account.
select date, sum(calls) as calls, sum(revenue) as revenue
from (
    select (started_at at time zone 'UTC')::date as date, 1 as calls, 0 as revenue
    from restaurant.calls
    where account_id = benchmark.account(%(account)s)
        and started_at >= current_date - %(days)s
    union all
    select (created_at at time zone 'UTC')::date, 0, total_amount::numeric
    from restaurant.orders
    where account_id = benchmark.account(%(account)s)
        and created_at >= current_date - %(days)s
) as work
group by date
order by date
