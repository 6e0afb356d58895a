-- Which runs failed, and why?
select
    started_at,
    job,
    executor,
    reason,
    error_message
from orchestrator.job_runs
where started_at > now() - interval '7 days' -- grafana: $__timeFilter(started_at)
    and status = 'error'
order by started_at desc
limit 100
