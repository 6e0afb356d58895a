select exists (
    select from orchestrator.job_runs
    where id > %(last)s and status = 'success'
)
