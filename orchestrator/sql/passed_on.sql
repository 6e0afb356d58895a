-- The summary tables of which a run of a summary table has requested something.
select distinct requests.model
from orchestrator.refresh_queue as requests
inner join orchestrator.job_runs as runs on runs.invocation = %(invocation)s
where
    requests.reason = 'upstream ' || %(model)s
    and requests.requested_at >= runs.started_at
order by 1
