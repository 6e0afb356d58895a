-- What waits to be refreshed?
select
    model,
    waiting as requests,
    immediate,
    waiting_since,
    extract(epoch from now() - waiting_since) as oldest_seconds
from orchestrator.model_status
where waiting > 0
order by waiting_since
