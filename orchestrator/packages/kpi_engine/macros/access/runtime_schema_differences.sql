{# The same of what is beside the tables: schemas, functions, views, and roles. #}
{% macro runtime_schema_differences() %}
-- What shows how the summary tables stand, and no row of them or of their sources.
create or replace function orchestrator.monitored()
returns text []
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select array[
        'alert_incidents', 'backfills', 'cron_jobs', 'job_runs', 'lineage',
        'migrations', 'model_status', 'models', 'notices', 'pauses', 'quarantine'
    ]
$$;

-- Let a role see that, and nothing else of the runtime's schema, whose views read the
-- application's tables with their owner's rights.
create or replace function orchestrator.grant_monitoring(p_role text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    name text;
begin
    if to_regrole(quote_ident(p_role)) is null then
        raise exception 'There is no role "%".', p_role
            using errcode = 'invalid_parameter_value', hint = format(
                'Create it: create role %I login password ''…'';', p_role
            );
    elsif p_role in ('anon', 'authenticated', 'public') then
        raise exception 'The role "%" is everyone on the internet.', p_role
            using errcode = 'invalid_parameter_value';
    end if;
    execute format('grant usage on schema orchestrator to %I', p_role);
    execute format(
        'revoke select on all tables in schema orchestrator from %I', p_role
    );
    foreach name in array orchestrator.monitored() loop
        execute format('grant select on orchestrator.%I to %I', name, p_role);
    end loop;
    -- They run with the rights of who calls them.
    execute format(
        'grant execute on all functions in schema orchestrator to %I', p_role
    );
end
$$;

-- Where schemas, functions and views differ from what the models declare.
create or replace function orchestrator.schema_differences()
returns table (relation text, problem text, repair text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with schemas as (
        select
            oid,
            nspname,
            nspowner,
            nspacl,
            nspname = 'analytics' as is_published
        from pg_namespace
        where nspname = 'orchestrator'
        {%- if kpi_engine.is_production() %} or nspname = 'analytics' {%- endif %}
    ),

    declared_roles as (
        select distinct roles.name
        from orchestrator.access
        cross join jsonb_object_keys(access.roles) as roles (name)
        where access.is_published
        union
        select unnest(array['authenticated', 'service_role'])
    ),

    functions as (
        select
            pg_proc.oid,
            pg_proc.oid::regprocedure::text as name,
            nspname,
            is_published,
            proowner,
            coalesce(proacl, acldefault('f', proowner)) as acl,
            prosecdef,
            prokind,
            -- Without pg_temp, that is looked into first: a type or a table there
            -- would stand in for the one that is meant. What was parsed as it was
            -- made looks up nothing, and a procedure that commits may set nothing.
            prosqlbody is not null
            or prokind = 'p' and not prosecdef
            -- A view's query, which PostgreSQL puts in its place only as it is.
            or proname like 'read\_%' and not prosecdef
            or exists (
                select from unnest(proconfig) as setting
                where setting ~ '^search_path=(.*, *)?"?pg_temp"?$'
                    and setting !~ '^search_path="?pg_temp'
            ) as is_pinned,
            nspname = 'orchestrator' or prosecdef as is_to_be_pinned,
            -- Either it is made for clients, or it lets in admins alone.
            is_published and (
                pg_proc.oid in (
                    select to_regprocedure(function)
                    from orchestrator.access_functions
                )
                or prosrc ~ '\mbegin\s+perform orchestrator\.require_admin\(\);'
            ) as is_for_clients
        from pg_proc
        inner join schemas on schemas.oid = pronamespace
    ),

    relations as (
        select
            pg_class.oid,
            pg_class.oid::regclass::text as name,
            relowner,
            relacl,
            relkind,
            relname::text,
            is_published,
            is_published and relname = 'data_freshness' as is_view,
            coalesce(reloptions::text, '')
            ~ 'security_invoker=(true|on|1|yes)' as is_invoker
        from pg_class
        inner join schemas on schemas.oid = relnamespace
        where
            relkind in ('r', 'p', 'v', 'm', 'f', 'S')
            and not exists (
                select
                from orchestrator.access
                where to_regclass(access.relation) = pg_class.oid
            )
    )

    select nspname::text, 'S' || substr(granted.problem, 2), granted.repair
    from schemas
    cross join lateral orchestrator.grant_differences(
        'schema', quote_ident(nspname), nspowner, nspacl,
        case
            when is_published then (
                select jsonb_object_agg(name, '["usage"]'::jsonb)
                from declared_roles
            )
            else '{}'
        end, false
    ) as granted
    union all
    select name, 'F' || substr(granted.problem, 2),
        replace(granted.repair, ' on function ', ' on routine ')
    from functions
    cross join lateral orchestrator.grant_differences(
        'function', name, proowner, acl,
        case
            when is_for_clients
                then '{
                    "authenticated": ["execute"], "service_role": ["execute"]
                }'::jsonb
            else '{}'
        end, is_published
    ) as granted
    union all
    select
        name,
        'Function ' || name || ' looks for types and tables where its caller may '
        'put others',
        format(
            'alter routine %s set search_path = pg_catalog, pg_temp', name
        )
    from functions
    where is_to_be_pinned and not is_pinned
    union all
    select
        function,
        'Function ' || function || case
            when to_regprocedure(function) is null then ' is missing'
            when installed is distinct from declared
                then ' is not as the models declare'
            else ' is not as it was installed'
        end,
        coalesce(declared, definition)
        || format('; select orchestrator.remember(%L)', function)
    from orchestrator.access_functions
    where
        installed is distinct from declared
        or definition is distinct from pg_get_functiondef(to_regprocedure(function))
    union all
    select name, 'V' || substr(granted.problem, 2),
        replace(granted.repair, ' on view ', ' on table ')
    from relations
    cross join lateral orchestrator.grant_differences(
        'view', name, relowner, relacl,
        '{"authenticated": ["select"], "service_role": ["select"]}', true
    ) as granted
    where is_view
    union all
    select
        name,
        'View ' || name || ' reads with its owner''s rights',
        format('alter view %s set (security_invoker = true)', name)
    from relations
    where is_view and not is_invoker
    union all
    select name, 'R' || substr(granted.problem, 2),
        replace(granted.repair, ' on relation ', case relkind
            when 'S' then ' on sequence '
            else ' on table '
        end)
    from relations
    cross join lateral orchestrator.grant_differences(
        'relation', name, relowner, relacl, '{}',
        relname <> all(orchestrator.monitored())
    ) as granted
    where not is_published
    union all
    select
        name,
        format(
            'Column %I of %s lets %s %s, which nobody declares', attname, name,
            coalesce(rolname, 'public'), lower(privilege_type)
        ),
        format(
            'revoke %s (%I) on table %s from %s', privilege_type, attname, name,
            case when acl.grantee = 0 then 'public' else quote_ident(rolname) end
        )
    from relations
    inner join pg_attribute on attrelid = relations.oid and not attisdropped
    cross join lateral aclexplode(attacl) as acl
    left join pg_roles on pg_roles.oid = acl.grantee
    where
        (is_view or not is_published)
        and (
            acl.grantee = 0
            or rolname in ('anon', 'authenticated', 'service_role')
        )
    union all
    select
        nspname::text,
        format(
            'What %s makes in schema %s from now on lets %s %s',
            pg_get_userbyid(defaclrole), nspname,
            coalesce(rolname, 'public'), lower(privilege_type)
        ),
        format(
            'alter default privileges for role %I in schema %I revoke %s on %s '
            'from %s',
            pg_get_userbyid(defaclrole), nspname, privilege_type,
            case defaclobjtype
                when 'r' then 'tables'
                when 'S' then 'sequences'
                when 'f' then 'functions'
                else 'types'
            end,
            case when acl.grantee = 0 then 'public' else quote_ident(rolname) end
        )
    from pg_default_acl
    inner join schemas on schemas.oid = defaclnamespace
    cross join lateral aclexplode(defaclacl) as acl
    left join pg_roles on pg_roles.oid = acl.grantee
    where acl.grantee = 0 or rolname in ('anon', 'authenticated', 'service_role')
    union all
    select distinct
        publication,
        'There is no publication ' || publication,
        format('create publication %I', publication)
    from orchestrator.access
    where
        is_replicated
        and publication not in (select pubname from pg_publication)
$$;

-- What clients may read in the published schema that no model declares. A build
-- leaves it alone, for it may be of models that are no longer built.
create or replace function orchestrator.undeclared_differences()
returns table (relation text, problem text, repair text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        pg_class.oid::regclass::text,
        'R' || substr(granted.problem, 2) || ' in this project',
        replace(granted.repair, ' on relation ', case relkind
            when 'S' then ' on sequence '
            else ' on table '
        end)
    from pg_class
    cross join lateral orchestrator.grant_differences(
        'relation', pg_class.oid::regclass::text, relowner, relacl, '{}', false
    ) as granted
    where
        relnamespace = 'analytics'::regnamespace
        and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        and relname <> 'data_freshness'
        and not exists (
            select
            from orchestrator.access
            where to_regclass(access.relation) = pg_class.oid
        )
$$;

-- Roles that could read what is not theirs, whatever the tables say. Roles are
-- the server's, and an administrator's to repair.
create or replace function orchestrator.role_differences()
returns table (relation text, problem text, repair text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with powerful as (
        select oid, rolname, quote_ident(rolname) as name
        from pg_roles
        where
            rolname in (
                select jsonb_object_keys(roles) from orchestrator.access
                union
                select unnest(array['authenticated', 'service_role'])
            )
            or oid in (
                select nspowner from pg_namespace where nspname = 'orchestrator'
            )
    ),

    others as (
        select oid, rolname, rolbypassrls
        from pg_roles
        where
            not rolsuper
            and rolname !~ '^pg_'
            and oid not in (select powerful.oid from powerful)
            and rolname <> all(array(
                select unnest(trusted_roles) from orchestrator.access
            ))
    )

    select
        others.rolname::text,
        format(
            'Role %I may act as %s: revoke %s from %I, or name it in the var '
            'trusted_roles',
            others.rolname, powerful.name, powerful.name, others.rolname
        ),
        null
    from others
    inner join powerful on pg_has_role(others.oid, powerful.oid, 'member')
    union all
    select
        others.rolname::text,
        format(
            'Role %I may read %s past its policies: alter role %I nobypassrls, or '
            'name it in the var trusted_roles',
            others.rolname, access.relation, others.rolname
        ),
        null
    from others
    inner join orchestrator.access
        on has_table_privilege(
            others.oid, to_regclass(access.relation)::oid, 'select'
        )
    where others.rolbypassrls
$$;
{% endmacro %}
