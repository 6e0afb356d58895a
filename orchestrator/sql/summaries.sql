-- How every summary table stands, by the database's own clock.
select
    model,
    relation,
    cadence,
    upstream,
    refreshed_through,
    last_due,
    next_due,
    is_due,
    waiting,
    waiting_since,
    last_status,
    last_run,
    last_duration,
    last_periods,
    last_rows_changed,
    last_error,
    clock_timestamp() as asked_at
from orchestrator.model_status
order by model
