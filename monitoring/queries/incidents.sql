-- Which incidents were there?
select
    opened_at,
    closed_at,
    model,
    kind,
    message
from orchestrator.alert_incidents
where opened_at > now() - interval '7 days' -- grafana: $__timeFilter(opened_at)
order by opened_at desc
limit 100
