-- The last runs of a summary table.
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
    job = %(model)s
    and (%(status)s::text is null or status = %(status)s)
order by id desc
limit 50
