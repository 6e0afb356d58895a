-- How many runs of each summary table began in the last hour, by how they ended.
select models.model, runs.status, count(*) as runs
from orchestrator.models as models
inner join orchestrator.job_runs as runs
    on
        runs.job = models.model
        and runs.started_at > clock_timestamp() - interval '1 hour'
group by models.model, runs.status
order by models.model, runs.status
