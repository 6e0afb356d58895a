-- The schemas of the runtime and of the published tables that a target of this schema
-- has built, or will build: the default ones, unless they are another target's.
with installed as (
    select
        nspname,
        substring(
            obj_description(oid, 'pg_namespace') from '^kpi_engine runtime [^{]*(\{.*)'
        )::jsonb as target
    from pg_namespace
),

built as (
    select nspname, target ->> 'published_schema' as published
    from installed
    where target ->> 'target_schema' = %(target_schema)s
    order by nspname
    limit 1
),

others as (
    select
        %(target_schema)s || '_orchestrator' as nspname,
        %(target_schema)s as published
    from installed
    where nspname = 'orchestrator' and target is not null
)

select nspname, published from built
union all
select nspname, published from others
where not exists (select from built)
