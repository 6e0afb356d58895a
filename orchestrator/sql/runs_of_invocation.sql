-- What one invocation of dbt did to each summary table.
select
    job as model,
    status,
    reason,
    started_at,
    duration,
    periods,
    rows_changed,
    error_message
from orchestrator.job_runs
where invocation = %(invocation)s
order by id
