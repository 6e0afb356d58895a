-- The summary tables of which this transaction's refresh has asked something.
select distinct model
from orchestrator.refresh_queue
where reason = 'upstream ' || %(model)s and requested_at >= now()
order by model
