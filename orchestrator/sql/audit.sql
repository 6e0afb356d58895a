-- Compare a summary table with its sources.
select periods, rows_different, message
from orchestrator.audit(%(model)s, %(sample)s, %(repair)s)
