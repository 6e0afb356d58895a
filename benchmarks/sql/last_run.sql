select max(id) from orchestrator.job_runs
