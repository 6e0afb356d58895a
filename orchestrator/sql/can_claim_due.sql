-- Whether the database has what a worker asks it for.
select
    to_regprocedure('orchestrator.claim_due(boolean)') is not null
    and exists (
        select from pg_attribute
        where
            attrelid = to_regclass('orchestrator.models')
            and attname = 'project'
    )
