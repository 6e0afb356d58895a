{# What makes the database equal to the declarations. #}
{% macro runtime_protection() %}
-- Note a function as it is now, so that a change by hand is seen.
create or replace function orchestrator.remember(p_function text)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into orchestrator.access_functions as known (function, definition)
    values (p_function, pg_get_functiondef(p_function::regprocedure))
    on conflict (function) do update set
        installed = known.declared,
        definition = excluded.definition
    where
        known.installed is distinct from known.declared
        or known.definition is distinct from excluded.definition
$$;

-- Drop a function that returns another type than it is to, with the policies that call
-- it: until they are made again, the tables are closed.
create or replace function orchestrator.drop_unlike(p_function text, p_type regtype)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    policy record;
begin
    if not exists (
        select from pg_proc
        where oid = to_regprocedure(p_function) and prorettype <> p_type
    ) then
        return;
    end if;
    for policy in
        select polname, polrelid::regclass as relation
        from pg_depend
        inner join pg_policy on pg_policy.oid = objid
        where
            classid = 'pg_policy'::regclass
            and refclassid = 'pg_proc'::regclass
            and refobjid = to_regprocedure(p_function)
    loop
        execute format('drop policy %I on %s', policy.polname, policy.relation);
    end loop;
    execute format('drop function %s', p_function);
end
$$;

-- Make the database what the models declare, and say what was done. Where
-- nothing differs, nothing is locked or written.
create or replace function orchestrator.protect(p_model text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    difference record;
begin
    for difference in
        select * from orchestrator.table_differences(p_model)
        where repair is not null
    loop
        execute difference.repair;
    end loop;
    if found then
        select * into difference
        from orchestrator.table_differences(p_model)
        where repair is not null
        limit 1;
        if found then
            raise exception '%, and that could not be repaired.', difference.problem
                using errcode = 'insufficient_privilege';
        end if;
    end if;
end
$$;

-- Make the schemas and functions around the tables what the models declare.
create or replace function orchestrator.protect_schemas()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    difference record;
begin
    if not exists (
        select from orchestrator.schema_differences() where repair is not null
    ) then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtext('orchestrator install'));
    -- A function that is made again is everybody's at first: once more.
    for round in 1..2 loop
        for difference in
            select * from orchestrator.schema_differences()
            where repair is not null
        loop
            execute difference.repair;
        end loop;
    end loop;
end
$$;

select orchestrator.remember(function)
from unnest(array[
    'analytics.is_admin()',
    'analytics.freshness_for_caller()',
    'orchestrator.caller_id()',
    'orchestrator.is_trusted()',
    'orchestrator.require_admin()'
]) as function;
{% endmacro %}
