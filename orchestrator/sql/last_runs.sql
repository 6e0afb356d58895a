-- The newest runs of all jobs.
select
    job,
    executor,
    reason,
    started_at,
    duration,
    status,
    periods,
    rows_changed,
    error_message
from orchestrator.job_runs
order by id desc
limit 20
