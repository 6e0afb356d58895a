-- Refresh a slice of one summary table in the database; its run stays open while
-- there is more to do.
select status
from orchestrator.refresh_slice(%(model)s, 'database', %(invocation)s)
