select
    periods.store_id,
    periods.metric_date,
    figures.sales,
    figures.revenue,
    now() as computed_at
from {{ kpi_engine.periods(ref('calendar')) }} as periods
inner join lateral (
    select
        count(*)::integer as sales,
        coalesce(sum(sales.amount), 0) as revenue
    from {{ ref('stg_sales') }} as sales
    where
        sales.store_id = periods.store_id
        and {{ kpi_engine.during('sales.sold_at') }}
) as figures on true
