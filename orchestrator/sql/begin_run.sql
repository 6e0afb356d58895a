-- Leave the row of a run that begins, so that one that dies has left it. Nothing
-- where the database cannot refresh the model, as it was never built.
insert into orchestrator.job_runs (job, executor, invocation)
select %(model)s, 'database', %(invocation)s
where to_regprocedure(
    format('orchestrator.%%I()', 'compute_' || %(model)s::text)
) is not null
returning id
