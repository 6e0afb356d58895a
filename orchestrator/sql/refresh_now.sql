-- Refresh one summary table and what it reads, waiting for whoever does so.
select
    status,
    periods,
    rows_changed,
    clock_timestamp() - statement_timestamp() as duration
from orchestrator.refresh_now(%(model)s)
