-- Refresh one summary table, here and now.
select
    status,
    periods,
    rows_changed,
    error_message,
    clock_timestamp() - statement_timestamp() as duration
from analytics.refresh(%(model)s)
