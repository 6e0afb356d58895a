-- Source tables in which a refresh would have to read everything to find a tenant's
-- rows of a time: those of some size, without an index that begins with the two.
with declared as (
    select *
    from jsonb_to_recordset(%(sources)s) as declared (
        schema_name text, table_name text, tenants text [],
        is_everybodys boolean, moment text
    )
),

wanted as (
    select
        pg_class.oid,
        format('%%I.%%I', schema_name, table_name) as relation,
        pg_class.relkind,
        pg_class.reltuples,
        array_remove(array[tenant, moment], null) as columns
    from declared
    left join unnest(tenants) as tenant on true
    inner join pg_namespace on nspname = schema_name
    inner join pg_class
        on relnamespace = pg_namespace.oid and relname = table_name
    where
        moment is not null
        and (tenant is not null or is_everybodys)
        and relkind in ('r', 'p', 'm')
),

indexed as (
    select
        indrelid,
        array(
            select attname::text
            from unnest(indkey::smallint []) with ordinality as key (attnum, place)
            inner join pg_attribute
                on attrelid = indrelid and pg_attribute.attnum = key.attnum
            order by place
        ) as columns
    from pg_index
    where indisvalid and indpred is null
),

missing as (
    select *
    from wanted
    where
        reltuples >= %(large)s
        and not exists (
            select from indexed
            where
                indrelid = oid
                and indexed.columns[1:cardinality(wanted.columns)] = wanted.columns
        )
)

select
    'warning' as verdict,
    format(
        '%%s, of some %%s rows, has no index on (%%s)',
        relation, reltuples::bigint, array_to_string(columns, ', ')
    ) as finding,
    format(
        'create index %%son %%s (%%s);',
        case when relkind = 'p' then '' else 'concurrently ' end,
        relation,
        (select string_agg(quote_ident(name), ', ') from unnest(columns) as name)
    ) as remedy
from missing
union all
select 'ok', 'every large source table can be read by tenant and time', null
where exists (select from wanted) and not exists (select from missing)
