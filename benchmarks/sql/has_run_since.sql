-- By dbt: while a worker begins, the database refreshes by itself.
select exists (
    select from orchestrator.job_runs
    where id > %(last)s and status = 'success' and executor = 'dbt'
)
