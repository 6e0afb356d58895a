-- What the role that connects may make and be: see docs/access.md.
with schemas as (
    select
        name,
        to_regnamespace(name) as oid,
        coalesce(
            (
                select pg_has_role(nspowner, 'usage')
                from pg_namespace where nspname = name
            ),
            has_database_privilege(current_database(), 'create')
        ) as is_ours
    from unnest(array['analytics', 'orchestrator']) as name
),

api_roles as (
    select
        name,
        to_regrole(name) as oid
    from unnest(array['anon', 'authenticated', 'service_role']) as name
),

caller as (
    select rolsuper, rolcreaterole from pg_roles where rolname = current_user
),

findings as (
    select
        'problem' as verdict,
        case
            when oid is null
                then format('%s may not create the schema %s', current_user, name)
            else format('the schema %s is not one of %s', name, current_user)
        end as finding,
        case
            when oid is null then format(
                'grant create on database %I to %I;',
                current_database(), current_user
            )
            else format('alter schema %I owner to %I;', name, current_user)
        end as remedy
    from schemas
    where not is_ours
    union all
    select
        'problem',
        format(
            'this server has no role %s, and %s may not create roles',
            name, current_user
        ),
        format(
            'create role %I nologin noinherit; grant %I to %I;',
            name, name, current_user
        )
    from api_roles
    cross join caller
    where api_roles.oid is null and not (caller.rolsuper or caller.rolcreaterole)
    union all
    select
        'warning',
        format(
            '%s may not act as %s, so ''access check'' cannot try what clients read',
            current_user, name
        ),
        format('grant %I to %I;', name, current_user)
    from api_roles
    where oid is not null and not pg_has_role(oid, 'member')
    union all
    select
        'warning',
        'the schema auth has no function jwt(): callers are known by the setting '
        'request.jwt.claims',
        'On Supabase, start its auth service once.'
    where to_regnamespace('auth') is not null and to_regprocedure('auth.jwt()') is null
)

select verdict, finding, remedy from findings
union all
select 'ok', format('%s has the rights that a build takes', current_user), null
where not exists (select from findings where verdict = 'problem')
