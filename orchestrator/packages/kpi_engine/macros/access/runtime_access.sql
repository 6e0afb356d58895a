{# Who is asking: Supabase's roles and functions where the database has none, and
   the tests of a caller that every policy and function goes by. #}
{% macro runtime_access() %}
do $$
declare
    name text;
begin
    foreach name in array array['anon', 'authenticated', 'service_role'] loop
        continue when to_regrole(name) is not null;
        begin
            execute format('create role %I nologin noinherit', name);
            execute format(
                'comment on role %I is %L', name,
                'API role, made by kpi_engine as this server had none'
            );
            -- So that its owner may try what a client can read.
            if not (select rolsuper from pg_roles where rolname = current_user)
            then
                execute format('grant %I to current_user', name) || case
                    when current_setting('server_version_num')::integer >= 160000
                        then ' with inherit false, set true'
                    else ''
                end;
            end if;
        exception
            -- Another database of this server is installed at the same time.
            when duplicate_object or unique_violation then
                null;
            when insufficient_privilege then
                raise exception
                    'This server has no role %, and % may not create roles.',
                    name, current_user
                    using errcode = 'insufficient_privilege', hint = format(
                        'Have an administrator run: create role %I nologin'
                        ' noinherit; grant %I to %I;',
                        name, name, current_user
                    );
        end;
    end loop;
end
$$;

-- Supabase's functions where there is no Supabase. A schema `auth` that is there
-- is its auth service's, or the application's: nothing is put into it.
do $$
begin
    if to_regnamespace('auth') is not null then
        return;
    end if;
    create schema auth;
    comment on schema auth is 'Made by kpi_engine as Supabase''s stand-in';
    grant usage on schema auth to anon, authenticated, service_role;
    create function auth.jwt() returns jsonb
    language sql stable
    set search_path = pg_catalog, pg_temp
    as $jwt$
        select coalesce(
            nullif(current_setting('request.jwt.claim', true), ''),
            nullif(current_setting('request.jwt.claims', true), '')
        )::jsonb
    $jwt$;
    comment on function auth.jwt() is
    'The caller''s claims, as on Supabase; made by kpi_engine';
    create function auth.uid() returns uuid
    language sql stable
    set search_path = pg_catalog, pg_temp
    as $uid$
        select coalesce(
            nullif(current_setting('request.jwt.claim.sub', true), ''),
            auth.jwt() ->> 'sub'
        )::uuid
    $uid$;
    comment on function auth.uid() is
    'Who the caller is, as on Supabase; made by kpi_engine';
    create function auth.role() returns text
    language sql stable
    set search_path = pg_catalog, pg_temp
    as $role$
        select coalesce(
            nullif(current_setting('request.jwt.claim.role', true), ''),
            auth.jwt() ->> 'role'
        )
    $role$;
    comment on function auth.role() is
    'The caller''s role, as on Supabase; made by kpi_engine';
end
$$;

{# By auth.jwt(), or, until Supabase's auth service has made that, from the setting in
   which PostgREST passes them. #}
{%- set read_claims -%}
if to_regprocedure('auth.jwt()') is null then
        claims := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
    else
        claims := auth.jwt();
    end if;
{%- endset %}

-- The caller's id; null where there is none or the token is malformed, so that a bad
-- one is nobody's and not an error in every query. Where auth.uid() is not there, or
-- takes ids for uuids only, the id is in the token.
create or replace function orchestrator.caller_id()
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    claims jsonb;
begin
    begin
        return auth.uid()::text;
    exception when others then
        null;
    end;
    {{ read_claims }}
    return claims ->> 'sub';
exception when others then
    return null;
end
$$;

-- Whether the caller is a platform admin: a claim that only the server can set,
-- never one of user_metadata, which is the user's own to edit.
create or replace function analytics.is_admin()
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    claims jsonb;
begin
    {{ read_claims }}
    return coalesce(claims -> 'app_metadata' ->> 'role' = 'admin', false);
exception when others then
    return false;
end
$$;
comment on function analytics.is_admin() is
'Whether the caller is a platform admin, by the claim app_metadata.role.';
revoke all on function analytics.is_admin() from public;
grant execute on function analytics.is_admin() to authenticated, service_role;

-- Whether the session is no API client at all: the owner, who inherits from it
-- (so any superuser), or the API's trusted role. The settings say who that is
-- also within a function that runs as its owner.
create or replace function orchestrator.is_trusted()
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select
        pg_has_role(caller.name, nspowner, 'usage')
        or pg_has_role(caller.name, 'service_role', 'usage')
    from pg_namespace
    cross join (
        select coalesce(
            nullif(nullif(current_setting('role'), 'none'), ''), session_user
        )::name as name
    ) as caller
    where nspname = 'orchestrator'
$$;

-- For a function that admins alone may call; it is to run as its owner.
create or replace function orchestrator.require_admin()
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not orchestrator.is_trusted() and not analytics.is_admin() then
        raise exception 'Access denied: Admin role required'
            using errcode = 'insufficient_privilege';
    end if;
end
$$;
{% endmacro %}
