-- The published summary tables that are built, and who is to read them.
select
    access.model,
    pg_namespace.nspname as schema,
    pg_class.relname as name,
    access.readers,
    access.tenant,
    access.members
from orchestrator.access
inner join pg_class on pg_class.oid = to_regclass(access.relation)
inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
where access.is_published
order by access.model
