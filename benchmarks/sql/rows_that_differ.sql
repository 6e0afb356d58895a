-- Rows of the summary that its rivals do not have, or the other way round. The
-- function of yesterday is asked for yesterday alone.
with summary as materialized (
    select
        account_id, location_id, date, total_calls, orders_count,
        reservations_count, total_revenue_orders::numeric,
        total_revenue_res_estimate::numeric, minutes_saved::numeric
    from analytics.metrics_daily
),

minimum as materialized (
    select
        account_id, location_id, date, total_calls, orders_count,
        reservations_count, total_revenue_orders::numeric,
        total_revenue_res_estimate::numeric, minutes_saved::numeric
    from benchmark.minimum
)

select
    (select count(*) from summary) as stored,
    (
        select count(*) from (
            (table summary except all table benchmark.view)
            union all
            (table benchmark.view except all table summary)
        ) as differing
    ) as of_view,
    (
        select count(*) from (
            (table summary except all table minimum)
            union all
            (table minimum except all table summary)
        ) as differing
    ) as of_minimum
