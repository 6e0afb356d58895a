-- Note a failure that came before the run could note itself.
insert into orchestrator.job_runs (
    job, executor, finished_at, status, error_message, invocation
)
select model, 'dbt', clock_timestamp(), 'error', %(message)s, %(invocation)s
from orchestrator.models
where
    model = %(model)s
    and not exists (
        select from orchestrator.job_runs
        where job = %(model)s and invocation = %(invocation)s
    )
