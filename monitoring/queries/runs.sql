-- How did the runs end?
select
    date_trunc('hour', started_at) as time,
    status as metric,
    count(*) as runs
from orchestrator.job_runs
where started_at > now() - interval '7 days' -- grafana: $__timeFilter(started_at)
group by 1, 2
order by 1, 2
