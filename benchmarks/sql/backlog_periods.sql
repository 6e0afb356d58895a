-- How many periods the run that drained the backlog has computed.
select periods
from orchestrator.job_runs
where job = 'metrics_daily' and invocation = 'backlog'
order by id desc
limit 1
