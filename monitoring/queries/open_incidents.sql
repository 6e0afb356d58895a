-- What is wrong for longer than once?
select
    opened_at,
    model,
    kind,
    message
from orchestrator.alert_incidents
where closed_at is null
order by opened_at
