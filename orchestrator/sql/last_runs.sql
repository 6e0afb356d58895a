-- The newest runs: of all jobs, and however they ended, unless one is named.
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
where
    (%(job)s::text is null or job = %(job)s)
    and (%(status)s::text is null or status = %(status)s)
order by id desc
limit %(number)s
