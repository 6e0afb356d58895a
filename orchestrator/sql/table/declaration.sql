-- What a summary table is declared to be, and what it is.
select
    (
        select rests_until
        from orchestrator.model_status
        where model_status.model = models.model and rests_until > clock_timestamp()
    ) as rests_until,
    models.tenant,
    to_regclass(models.calendar)::text as calendar,
    models.sources,
    access.readers,
    coalesce(access.roles, '{}') as roles,
    obj_description(to_regclass(models.relation), 'pg_class') as description,
    pg_total_relation_size(to_regclass(models.relation)) as bytes,
    (
        select coalesce(nullif(reltuples, -1), pg_stat_get_live_tuples(oid))::bigint
        from pg_class where oid = to_regclass(models.relation)
    ) as row_count,
    (
        select pg_get_functiondef(pg_proc.oid)
        from pg_proc
        where
            pronamespace = 'orchestrator'::regnamespace
            and proname = 'compute_' || models.model
        limit 1
    ) as definition
from orchestrator.models as models
left join orchestrator.access as access on access.model = models.model
where models.model = %(model)s
