-- How many rows did the runs change?
select
    date_trunc('hour', started_at) as time,
    job as metric,
    sum(rows_changed) as rows
from orchestrator.job_runs
where started_at > now() - interval '7 days' -- grafana: $__timeFilter(started_at)
    and status = 'success'
group by 1, 2
order by 1, 2
