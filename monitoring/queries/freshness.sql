-- How fresh is each summary table?
select
    model,
    state,
    refreshed_through,
    extract(epoch from now() - refreshed_through) as age_seconds,
    extract(epoch from next_due - last_due) as period_seconds,
    next_due,
    waiting,
    extract(epoch from last_duration) as last_run_seconds,
    last_error
from orchestrator.model_status
order by severity desc, model
