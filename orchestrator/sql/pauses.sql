-- The pauses in force.
select model, until, reason, paused_at, paused_by
from orchestrator.pauses
where until > clock_timestamp()
order by until, model
