-- Refresh one summary table in the database, and close the run that began.
select (orchestrator.refresh(%(model)s, 'database', %(invocation)s)).status
