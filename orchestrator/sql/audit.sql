-- Hold a summary table against its sources.
select periods, rows_different, message
from orchestrator.audit(%(model)s, %(sample)s, %(repair)s)
