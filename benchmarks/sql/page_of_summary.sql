-- A chart of the last days; row-level security says whose.
select
    account_id, date, sum(total_calls) as calls,
    sum(total_revenue_orders) as revenue, sum(minutes_saved) as minutes_saved
from analytics.metrics_daily
where date >= current_date - %(days)s
group by account_id, date
order by date
