-- Rows that only one of the three has: the summary, the view of its own query,
-- the view written by hand.
with summary as materialized (
    select
        account_id, location_id, date, total_calls, orders_count,
        reservations_count, total_revenue_orders::numeric,
        total_revenue_res_estimate::numeric, minutes_saved::numeric
    from analytics.metrics_daily
),

same_query as materialized (
    select
        account_id, location_id, date, total_calls, orders_count,
        reservations_count, total_revenue_orders,
        total_revenue_res_estimate, minutes_saved
    from benchmark.same_query
)

select (
    select count(*) from (
        (table summary except all table benchmark.view)
        union all
        (table benchmark.view except all table summary)
        union all
        (table summary except all table same_query)
        union all
        (table same_query except all table summary)
    ) as differing
)
