{# Where a summary table's policies, grants and publication are not as its model
   declares, and what makes them so. #}
{% macro runtime_table_differences() %}
-- Two expressions are the same but for how the database prints them.
create or replace function orchestrator.bare(p_expression text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
                '(select case when analytics.is_admin() then %4$s '
                'else null::%3$s end as lowest)',
                tenant, tenants_function, tenant_type, lowest
            )
            || case
                when highest is null then ''
                else format(
                    ' and %1$I <= '
                    '(select case when analytics.is_admin() then %3$s '
                    'else null::%2$s end as highest)',
                    tenant, tenant_type, highest
                )
            end
            when 'admins' then '(select analytics.is_admin() as is_admin)'
            else 'true'
        end,
        null
    from tables
    -- As pg_get_expr prints them; there is no highest text.
    left join (
        values
        (
            'uuid', '''00000000-0000-0000-0000-000000000000''::uuid',
            '''ffffffff-ffff-ffff-ffff-ffffffffffff''::uuid'
        ),
        (
            'bigint', '''-9223372036854775808''::bigint',
            '''9223372036854775807''::bigint'
        ),
        ('integer', '''-2147483648''::integer', '2147483647'),
        ('smallint', '''-32768''::smallint', '''32767''::smallint'),
        ('text', '''''::text', null)
    ) as bounds (tenant_type, lowest, highest) using (tenant_type)
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
set search_path = pg_catalog, pg_temp
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

    -- An owner reads all of a table: that is who runs this, and no other.
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
        tables.name,
        format(
            'Column %I of %s is %s, and %I of %s is %s, so that nobody is a member: '
            'declare the one with the other''s type',
            tables.members ->> 'tenant', tables.members ->> 'relation',
            format_type(atttypid, null), tables.tenant, tables.name,
            tables.tenant_type
        ),
        null
    from tables
    inner join pg_attribute
        on
            attrelid = to_regclass(tables.members ->> 'relation')
            and attname = tables.members ->> 'tenant'
    where
        tables.is_published
        and not orchestrator.is_of_type(atttypid, tables.tenant_type)
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
{% endmacro %}
