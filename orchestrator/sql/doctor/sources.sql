-- The source tables: whether they are there, with their columns, and let
-- themselves be read, referred to and watched.
with declared as (
    select *
    from jsonb_to_recordset(%(sources)s) as declared (
        schema_name text, table_name text, path text, columns text [],
        captured boolean
    )
),

seen as (
    select
        declared.*,
        format('%%I.%%I', schema_name, table_name) as relation,
        pg_class.oid,
        pg_class.relkind,
        has_schema_privilege(pg_namespace.oid, 'usage') as is_open
    from declared
    left join pg_namespace on nspname = schema_name
    left join pg_class
        on
            relnamespace = pg_namespace.oid
            and relname = table_name
            and relkind in ('r', 'p', 'v', 'm', 'f')
),

rights as (
    select
        schema_name,
        relation,
        array_remove(
            array[
                case when not has_table_privilege(oid, 'select') then 'select' end,
                case
                    when captured and not has_table_privilege(oid, 'references')
                        then 'references'
                end,
                case
                    when captured and not has_table_privilege(oid, 'trigger')
                        then 'trigger'
                end
            ], null
        ) as missing
    from seen
    where oid is not null
),

findings as (
    select
        'problem' as verdict,
        format('there is no table %%s', relation) as finding,
        'Create it, correct where ' || path || ' says it is, or disable the models '
        'that read it.' as remedy
    from seen
    where oid is null
    union all
    select
        'problem',
        format(
            '%%s has no column%%s %%s',
            relation,
            case when count(*) > 1 then 's' else '' end,
            string_agg(name, ', ' order by name)
        ),
        format('Correct it in %%s and in the staging view.', path)
    from seen
    cross join unnest(columns) as name
    where
        oid is not null
        and not exists (
            select from pg_attribute
            where
                attrelid = oid
                and attname = name
                and attnum > 0
                and not attisdropped
        )
    group by relation, path
    union all
    select
        'problem',
        format('%%s cannot have triggers, as it is no table', relation),
        'Give it a `lookback` instead of what its meta.capture has, in ' || path || '.'
    from seen
    where captured and relkind not in ('r', 'p')
    union all
    select
        'problem',
        format('%%s may not use the schema %%s', current_user, schema_name),
        format('grant usage on schema %%I to %%I;', schema_name, current_user)
    from seen
    where not is_open
    group by schema_name
    union all
    select
        'problem',
        format(
            '%%s lacks %%s on %%s',
            current_user,
            array_to_string(missing, ', '),
            case
                when count(*) = 1 then min(relation)
                else format('%%s tables of %%s', count(*), schema_name)
            end
        ),
        format(
            'grant %%s on %%s to %%I;',
            array_to_string(missing, ', '),
            string_agg(relation, ', ' order by relation),
            current_user
        )
    from rights
    where missing <> '{}'
    group by schema_name, missing
    union all
    -- Policies of the application bind this role, too, and hide rows from it.
    select
        'warning',
        format('row-level security may hide rows of %%s from %%s', relation, current_user),
        format(
            'create policy kpi_engine on %%s for select to %%I using (true);',
            relation, current_user
        )
    from seen
    where
        oid is not null
        and row_security_active(seen.oid)
        and not exists (
            select from pg_policy
            where
                polrelid = seen.oid
                and polcmd in ('r', '*')
                and pg_get_expr(polqual, polrelid) = 'true'
                and exists (
                    select from unnest(polroles) as granted
                    where granted = 0 or pg_has_role(granted, 'usage')
                )
        )
)

select verdict, finding, remedy from findings
union all
select
    'ok',
    format('%%s source tables, with the columns that they are to have', count(*)),
    null
from seen
where not exists (select from findings where verdict = 'problem')
having count(*) > 0
