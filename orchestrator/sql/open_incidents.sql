-- The incidents that are open, the oldest first.
select model, kind, message, opened_at
from orchestrator.alert_incidents
where closed_at is null
order by opened_at, id
