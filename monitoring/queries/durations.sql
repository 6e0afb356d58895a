-- How long did the runs take?
select
    date_trunc('hour', started_at) as time,
    job as metric,
    avg(extract(epoch from duration)) as seconds
from orchestrator.job_runs
where started_at > now() - interval '7 days' -- grafana: $__timeFilter(started_at)
    and status = 'success'
group by 1, 2
order by 1, 2
