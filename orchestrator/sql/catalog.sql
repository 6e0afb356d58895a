-- The application's tables, as what is to be summarized is chosen from: not the
-- system's, Supabase's, or what this project makes.
with tables as (
    select
        pg_class.oid,
        nspname,
        relname,
        greatest(reltuples, 0)::bigint as row_estimate
    from pg_class
    inner join pg_namespace on pg_namespace.oid = relnamespace
    where
        relkind in ('r', 'p')
        and not relispartition
        and relpersistence = 'p'
        and nspname !~ '^(pg_|information_schema$)'
        and nspname <> all(array[
            'orchestrator', 'analytics', 'auth', 'storage', 'realtime', 'vault',
            'cron', 'extensions', 'graphql', 'net', 'pgsodium', 'supabase_functions',
            'supabase_migrations', '_realtime', '_analytics'
        ])
        and has_schema_privilege(pg_namespace.oid, 'usage')
)

select
    tables.nspname as schema,
    tables.relname as name,
    tables.row_estimate,
    (
        select jsonb_agg(jsonb_build_object(
            'name', attname,
            'type', format_type(coalesce(nullif(typbasetype, 0), atttypid), null),
            'is_required', attnotnull,
            'scale', information_schema._pg_numeric_scale(
                coalesce(nullif(typbasetype, 0), atttypid),
                case typtype when 'd' then typtypmod else atttypmod end
            )
        ) order by attnum)
        from pg_attribute
        inner join pg_type on pg_type.oid = atttypid
        where attrelid = tables.oid and attnum > 0 and not attisdropped
    ) as columns,
    coalesce((
        select jsonb_agg(attname order by attnum)
        from pg_index
        inner join pg_attribute on attrelid = indrelid and attnum = any(indkey)
        where indrelid = tables.oid and indisprimary
    ), '[]') as primary_key,
    coalesce((
        select jsonb_agg(jsonb_build_object(
            'column', own.attname,
            'schema', referenced.relnamespace::regnamespace::text,
            'table', referenced.relname,
            'referenced', theirs.attname
        ) order by own.attnum)
        from pg_constraint
        inner join pg_class as referenced on referenced.oid = confrelid
        inner join pg_attribute as own
            on own.attrelid = conrelid and own.attnum = conkey[1]
        inner join pg_attribute as theirs
            on theirs.attrelid = confrelid and theirs.attnum = confkey[1]
        where conrelid = tables.oid and contype = 'f' and cardinality(conkey) = 1
    ), '[]') as foreign_keys
from tables
order by tables.nspname, tables.relname
