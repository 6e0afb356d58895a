{# Who may read what, as the models declare it. #}
{% macro runtime_declarations() %}
-- Note what the project declares of every summary table. What it no longer has
-- stays as it was last declared for as long as its table stays.
create or replace function orchestrator.declare_access(
    p_declared jsonb, p_functions jsonb
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    with declared as (
        select * from jsonb_populate_recordset(
            null::orchestrator.access, p_declared
        )
    ),

    deleted as (
        delete from orchestrator.access
        where
            model not in (select declared.model from declared)
            and to_regclass(relation) is null
    )

    insert into orchestrator.access as known
    select declared.* from declared
    on conflict (model) do update set
        relation = excluded.relation,
        is_published = excluded.is_published,
        readers = excluded.readers,
        tenant = excluded.tenant,
        tenant_type = excluded.tenant_type,
        tenants_function = excluded.tenants_function,
        members = excluded.members,
        roles = excluded.roles,
        publication = excluded.publication,
        is_replicated = excluded.is_replicated,
        trusted_roles = excluded.trusted_roles
    where known is distinct from excluded;

    delete from orchestrator.access_functions
    where
        declared is not null
        and not p_functions ? function
        and not exists (
            select
            from pg_depend
            where
                classid = 'pg_policy'::regclass
                and refclassid = 'pg_proc'::regclass
                and refobjid = to_regprocedure(function)
        );

    insert into orchestrator.access_functions as known (function, declared)
    select key, value from jsonb_each_text(p_functions)
    on conflict (function) do update set declared = excluded.declared
    where known.declared is distinct from excluded.declared
$$;
{% endmacro %}
