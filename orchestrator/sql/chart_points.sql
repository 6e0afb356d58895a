-- The points of the charts that the summary tables declare.
select
    model,
    place,
    title,
    unit,
    grain,
    starts_at,
    value,
    is_under_way
from orchestrator.chart_points()
order by model, place, starts_at
