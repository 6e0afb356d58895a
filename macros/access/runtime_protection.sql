{# Who may read and do what: as declared, as the database has it, and what makes
   the second equal to the first. #}
{% macro runtime_protection() %}
create table if not exists orchestrator.access (
    model text primary key,
    relation text not null,
    is_published boolean not null,
    readers text not null,
    tenant text,
    tenants_function text,
    members jsonb,
    roles jsonb not null,
    publication text not null,
    is_replicated boolean not null,
    trusted_roles text [] not null
);
comment on table orchestrator.access is
'Who may read a summary table, as its model declares. One row per summary '
'table.';

create table if not exists orchestrator.access_functions (
    function text primary key,
    declared text,
    installed text,
    definition text
);
comment on table orchestrator.access_functions is
'The functions that say who a caller is and whose rows are theirs: the '
'statement that the models declare, the one that was run, and what it made. One '
'row per function.';

-- Note what the project declares of every summary table. What it no longer has
-- stays as it was last declared for as long as its table stays.
create or replace function orchestrator.declare_access(
    p_declared jsonb, p_functions jsonb
)
returns void
language sql
set search_path = ''
as $$
    with declared as (
        select * from jsonb_populate_recordset(
            null::orchestrator.access, p_declared
        )
    ),

    gone as (
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

-- Two expressions are the same but for how the database prints them.
create or replace function orchestrator.bare(p_expression text)
returns text
language sql immutable
set search_path = ''
as $$
    select lower(translate(p_expression, E' \n()', ''))
$$;

-- What is to be done, and undone, so that a role has these privileges alone.
-- An owner's rights are its own, and stay as they are.
create or replace function orchestrator.grant_differences(
    p_kind text,
    p_name text,
    p_owner oid,
    p_acl aclitem [],
    p_wanted jsonb,
    p_strict boolean
)
returns table (problem text, repair text)
language sql stable
set search_path = ''
as $$
    with wanted as (
        select roles.name as grantee, upper(privilege) as privilege
        from jsonb_each(p_wanted) as roles (name, privileges)
        cross join jsonb_array_elements_text(roles.privileges) as privilege
    ),

    present as (
        select
            coalesce(pg_roles.rolname::text, 'public') as grantee,
            acl.privilege_type as privilege,
            acl.is_grantable
        from aclexplode(p_acl) as acl
        left join pg_roles on pg_roles.oid = acl.grantee
        where
            acl.grantee <> p_owner
            and (p_strict or acl.grantee = 0 or pg_roles.rolname in (
                'anon', 'authenticated', 'service_role'
            ))
    ),

    differing as (
        select
            coalesce(wanted.grantee, present.grantee) as grantee,
            coalesce(wanted.privilege, present.privilege) as privilege,
            case
                when present.grantee is null then 'missing'
                when wanted.grantee is null then 'extra'
                when present.is_grantable then 'grantable'
            end as difference
        from wanted
        full join present
            on
                wanted.grantee = present.grantee
                and wanted.privilege = present.privilege
    )

    select
        format(
            case difference
                when 'missing' then '%s %s does not let %s %s'
                when 'extra' then '%s %s lets %s %s, which nobody declares'
                else '%s %s lets %s give others the right to %s'
            end,
            p_kind, p_name, grantee,
            case privilege when 'USAGE' then 'use' else lower(privilege) end
        ),
        format(
            case difference
                when 'missing' then 'grant %1$s on %2$s %3$s to %4$s'
                when 'extra' then 'revoke %1$s on %2$s %3$s from %4$s'
                else 'revoke grant option for %1$s on %2$s %3$s from %4$s'
            end,
            privilege, p_kind, p_name,
            case grantee when 'public' then grantee else quote_ident(grantee) end
        )
    from differing
    where
        difference is not null
        and (difference <> 'missing' or to_regrole(quote_ident(grantee)) is not null)
    order by 1
$$;

-- The policies of summary tables, as their models declare them; commands are
-- the catalog's letters.
create or replace function orchestrator.declared_policies(p_model text)
returns table (
    target regclass,
    name text,
    command "char",
    grantee oid,
    condition text,
    written text
)
language sql stable
set search_path = ''
as $$
    with tables as (
        select access.*, pg_class.oid::regclass as target, pg_namespace.nspowner
        from orchestrator.access
        inner join pg_class on pg_class.oid = to_regclass(access.relation)
        inner join pg_namespace on pg_namespace.nspname = 'orchestrator'
        where p_model is null or access.model = p_model
    )

    -- Forced row-level security binds the owner, too: who builds the tables.
    select target, 'owner', '*'::"char", nspowner, 'true', 'true'
    from tables
    union all
    -- What holds for a whole query is asked once a query.
    select
        target,
        'readers',
        'r',
        to_regrole('authenticated')::oid,
        case readers
            -- To an admin the tenants from the lowest to the highest: so the
            -- index on the tenant serves both.
            when 'members' then format(
                '%1$I = any (array(select %2$s() as own)) or %1$I >= '
                '(select case when analytics.is_admin() then %3$L::uuid '
                'else null::uuid end as lowest) and %1$I <= '
                '(select case when analytics.is_admin() then %4$L::uuid '
                'else null::uuid end as highest)',
                tenant, tenants_function,
                '00000000-0000-0000-0000-000000000000',
                'ffffffff-ffff-ffff-ffff-ffffffffffff'
            )
            when 'admins' then '(select analytics.is_admin() as is_admin)'
            else 'true'
        end,
        null
    from tables
    where is_published and readers <> 'functions'
    union all
    select
        target,
        roles.name || ' ' || privilege,
        case privilege
            when 'select' then 'r'
            when 'insert' then 'a'
            when 'update' then 'w'
            else 'd'
        end::"char",
        to_regrole(quote_ident(roles.name))::oid,
        case when privilege <> 'insert' then 'true' end,
        case when privilege in ('insert', 'update') then 'true' end
    from tables
    cross join jsonb_each(roles) as roles (name, privileges)
    cross join jsonb_array_elements_text(roles.privileges) as privilege
    where is_published
$$;

-- Where summary tables differ from their declarations. A repair that is null
-- is for a person to make.
create or replace function orchestrator.table_differences(
    p_model text default null
)
returns table (relation text, problem text, repair text)
language sql stable
set search_path = ''
as $$
    with tables as (
        select
            access.*,
            pg_class.oid as target,
            pg_class.oid::regclass::text as name,
            pg_class.relowner,
            pg_class.relacl,
            pg_class.relrowsecurity,
            pg_class.relforcerowsecurity,
            pg_class.relreplident
        from orchestrator.access
        inner join pg_class on pg_class.oid = to_regclass(access.relation)
        where p_model is null or access.model = p_model
    ),

    policies as (
        select
            tables.name as relation,
            coalesce(declared.name, pg_policy.polname) as policy,
            declared.name is not null as is_declared,
            pg_policy.polname is not null as is_present,
            coalesce(
                pg_policy.polpermissive
                and pg_policy.polcmd = declared.command
                and pg_policy.polroles = array[declared.grantee]
                and orchestrator.bare(
                    pg_get_expr(pg_policy.polqual, pg_policy.polrelid)
                ) is not distinct from orchestrator.bare(declared.condition)
                and orchestrator.bare(
                    pg_get_expr(pg_policy.polwithcheck, pg_policy.polrelid)
                ) is not distinct from orchestrator.bare(declared.written),
                false
            ) as is_alike,
            format(
                'create policy %I on %s for %s to %s%s%s',
                declared.name, tables.name,
                case declared.command
                    when '*' then 'all'
                    when 'r' then 'select'
                    when 'a' then 'insert'
                    when 'w' then 'update'
                    else 'delete'
                end,
                declared.grantee::regrole,
                ' using (' || declared.condition || ')',
                ' with check (' || declared.written || ')'
            ) as creation
        from orchestrator.declared_policies(p_model) as declared
        full join (
            select *
            from pg_policy
            where polrelid in (select tables.target from tables)
        ) as pg_policy
            on
                declared.target = pg_policy.polrelid
                and declared.name = pg_policy.polname
        inner join tables
            on tables.target = coalesce(declared.target, pg_policy.polrelid)
        where declared.name is null or declared.grantee is not null
    )

    -- Whoever owns a table reads it all: that is who runs this, and no other.
    select
        name,
        format(
            'Table %s is owned by %s', name, pg_get_userbyid(tables.relowner)
        ),
        format('alter table %s owner to %I', name, pg_get_userbyid(nspowner))
    from tables
    inner join pg_namespace on nspname = 'orchestrator'
    where tables.relowner <> nspowner
    union all
    select
        name,
        'Row-level security of ' || name || ' is off',
        format('alter table %s enable row level security', name)
    from tables
    where not relrowsecurity
    union all
    select
        name,
        'Row-level security of ' || name || ' does not bind its owner',
        format('alter table %s force row level security', name)
    from tables
    where not relforcerowsecurity
    union all
    select
        relation,
        format(
            case
                when not is_present then 'Policy "%s" of %s is missing'
                when not is_declared
                    then 'Policy "%s" of %s is declared nowhere'
                else 'Policy "%s" of %s is not as declared'
            end,
            policy, relation
        ),
        concat_ws(
            '; ',
            case
                when is_present
                    then format('drop policy %I on %s', policy, relation)
            end,
            case when is_declared then creation end
        )
    from policies
    where not is_alike
    union all
    select tables.name, initcap(left(granted.problem, 1))
        || substr(granted.problem, 2), granted.repair
    from tables
    cross join lateral orchestrator.grant_differences(
        'table', tables.name, tables.relowner, tables.relacl,
        case
            when not tables.is_published then '{}'::jsonb
            when tables.readers = 'functions' then tables.roles
            else tables.roles || '{"authenticated": ["select"]}'
        end, true
    ) as granted
    union all
    select
        tables.name,
        format(
            'Column %I of %s lets %s %s, which nobody declares', attname,
            tables.name, coalesce(pg_roles.rolname, 'public'),
            lower(acl.privilege_type)
        ),
        format(
            'revoke %s (%I) on table %s from %s', acl.privilege_type, attname,
            tables.name,
            case when acl.grantee = 0 then 'public' else quote_ident(rolname) end
        )
    from tables
    inner join pg_attribute on attrelid = tables.target and not attisdropped
    cross join lateral aclexplode(attacl) as acl
    left join pg_roles on pg_roles.oid = acl.grantee
    where acl.grantee <> tables.relowner
    union all
    select
        tables.name,
        format('Role %s, which may read %s, does not exist', roles.name, tables.name),
        null
    from tables
    cross join jsonb_object_keys(tables.roles) as roles (name)
    where to_regrole(quote_ident(roles.name)) is null
    union all
    select
        name,
        'The replica identity of ' || name || ' is not its primary key',
        format('alter table %s replica identity default', name)
    from tables
    where relreplident <> 'd'
    union all
    select
        tables.name,
        format(
            case
                when is_replicated
                    then 'Publication %I does not have %s'
                else 'Publication %I has %s, which is not declared'
            end,
            tables.publication, tables.name
        ),
        format(
            case
                when is_replicated then 'alter publication %I add table %s'
                else 'alter publication %I drop table %s'
            end,
            tables.publication, tables.name
        )
    from tables
    inner join pg_publication
        on tables.publication = pg_publication.pubname and not puballtables
    left join pg_publication_rel
        on prpubid = pg_publication.oid and prrelid = tables.target
    where is_replicated <> (prrelid is not null)
$$;

-- The same of schemas, functions, views, and of what no model declares.
create or replace function orchestrator.schema_differences()
returns table (relation text, problem text, repair text)
language sql stable
set search_path = ''
as $$
    with schemas as (
        select
            oid,
            nspname,
            nspowner,
            nspacl,
            nspname = 'analytics' as is_published
        from pg_namespace
        where nspname in ('analytics', 'orchestrator')
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
            coalesce(proconfig::text, '') ~ '[{",]search_path=' as is_pinned,
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
        'Function ' || name || ' runs as its owner with its caller''s search_path',
        format('alter routine %s set search_path = %L', name, '')
    from functions
    where prosecdef and not is_pinned
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
        'relation', name, relowner, relacl, '{}', false
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
-- leaves it alone, for it may be of a domain that is no longer built.
create or replace function orchestrator.stray_differences()
returns table (relation text, problem text, repair text)
language sql stable
set search_path = ''
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
-- the server's, and an administrator's to mend.
create or replace function orchestrator.role_differences()
returns table (relation text, problem text, repair text)
language sql stable
set search_path = ''
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

-- Note a function as it is now, so that a change by hand is seen.
create or replace function orchestrator.remember(p_function text)
returns void
language sql
set search_path = ''
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

-- Make the database what the models declare, and say what was done. Where
-- nothing differs, nothing is locked or written.
create or replace function orchestrator.protect(p_model text)
returns void
language plpgsql
set search_path = ''
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
            raise exception '%, and that could not be mended.', difference.problem
                using errcode = 'insufficient_privilege';
        end if;
    end if;
end
$$;

create or replace function orchestrator.protect_schemas()
returns void
language plpgsql
set search_path = ''
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
