-- How long the table's runs since took in the database, in seconds.
select executor, array_agg(extract(epoch from duration)::float order by id)
from orchestrator.job_runs
where id > %(last)s and job = 'metrics_daily' and status = 'success'
group by executor
