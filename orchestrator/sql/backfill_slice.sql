-- Compute the next days of a backfill.
select next_day, rows_changed
from orchestrator.backfill_slice(%(backfill)s, %(days)s)
