-- The points of the charts that the summary tables declare: of all of them and all
-- tenants, unless one is named.
select
    model,
    place,
    title,
    unit,
    grain,
    starts_at,
    value,
    is_under_way
from orchestrator.chart_points(%(model)s, %(tenant)s)
order by model, place, starts_at
