-- Remove what this project has made, and tell it. What else the database loses
-- by that belongs to someone: then it is an error, and all stays.
create or replace function pg_temp.inventory(
    p_tables regclass [], p_functions regprocedure []
)
returns table (
    classid oid, objid oid, objsubid integer, kind text, name text, is_ours boolean
)
language sql
set search_path = ''
as $$
    -- Each object, with the schema or the table that it is part of.
    with parts as (
        select
            'pg_class'::regclass as classid,
            oid as objid,
            0 as objsubid,
            relnamespace as schema,
            oid as relation,
            relname in ('data_freshness', 'cron_job_status')
            and relnamespace = to_regnamespace('analytics') as is_known
        from pg_class
        where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        union all
        select
            'pg_proc'::regclass, oid, 0, pronamespace, null,
            oid::regprocedure = any(p_functions)
        from pg_proc
        union all
        select 'pg_type'::regclass, oid, 0, typnamespace, null, false
        from pg_type
        where typtype in ('d', 'e')
        union all
        select 'pg_policy'::regclass, oid, 0, null, polrelid, false
        from pg_policy
        union all
        select 'pg_constraint'::regclass, oid, 0, null, conrelid, false
        from pg_constraint
        where contype in ('f', 'c') and conrelid <> 0
        union all
        select 'pg_attrdef'::regclass, oid, 0, null, adrelid, false
        from pg_attrdef
        union all
        select
            'pg_trigger'::regclass, pg_trigger.oid, 0, null, tgrelid,
            pronamespace = to_regnamespace('orchestrator')
        from pg_trigger
        inner join pg_proc on pg_proc.oid = tgfoid
        where not tgisinternal
        union all
        select 'pg_class'::regclass, attrelid, attnum, null, attrelid, false
        from pg_attribute
        inner join pg_class on pg_class.oid = attrelid
        where relkind in ('r', 'p', 'v', 'm', 'f') and attnum > 0
            and not attisdropped
    )

    select
        parts.classid, parts.objid, parts.objsubid, object.type, object.identity,
        coalesce(
            parts.is_known
            or parts.schema = to_regnamespace('orchestrator')
            or relation.relnamespace = to_regnamespace('orchestrator')
            or parts.relation = any(p_tables)
            or parts.objsubid > 0 and relation.relname in (
                'data_freshness', 'cron_job_status'
            ) and relation.relnamespace = to_regnamespace('analytics'),
            false
        )
    from parts
    left join pg_class as relation on relation.oid = parts.relation
    cross join lateral pg_identify_object(
        parts.classid, parts.objid, parts.objsubid
    ) as object
    where
        coalesce(parts.schema, relation.relnamespace) not in (
            'pg_catalog'::regnamespace, 'information_schema'::regnamespace
        )
$$;

-- The functions without which policies of other tables than these would answer
-- nobody.
create or replace function pg_temp.needed_functions(p_tables regclass [])
returns oid []
language sql
set search_path = ''
as $$
    with recursive needed as (
        select refobjid as oid
        from pg_depend
        inner join pg_policy on pg_policy.oid = objid
        where classid = 'pg_policy'::regclass
            and refclassid = 'pg_proc'::regclass
            and not polrelid = any(p_tables)
        union
        select called.oid
        from needed
        inner join pg_proc as caller on caller.oid = needed.oid
        inner join pg_proc as called
            on called.pronamespace::regnamespace::text in (
                'orchestrator', 'analytics'
            )
            and caller.prosrc ~ format(
                '\m%s\.%s\(', called.pronamespace::regnamespace, called.proname
            )
    )

    select coalesce(array_agg(needed.oid), '{}')
    from needed
    inner join pg_proc on pg_proc.oid = needed.oid
    where pronamespace::regnamespace::text in ('orchestrator', 'analytics')
$$;

-- Our functions beside the tables; what a project declares says so itself.
create or replace function pg_temp.published_functions()
returns regprocedure []
language plpgsql
set search_path = ''
as $$
declare
    noted text [] := '{}';
begin
    if to_regclass('orchestrator.access_functions') is not null then
        execute 'select array_agg(function) from orchestrator.access_functions'
            into noted;
    end if;
    return array(
        select pg_proc.oid::regprocedure
        from pg_proc
        where pronamespace = to_regnamespace('analytics')
            and (
                proname in (
                    'freshness_for_caller',
                    'get_cron_job_status',
                    'health_check',
                    'is_admin',
                    'manual_refresh',
                    'refresh',
                    'refresh_all_views'
                )
                or pg_proc.oid::regprocedure::text = any(noted)
                or obj_description(pg_proc.oid, 'pg_proc')
                like '%(kpi\_%)'
            )
    );
end
$$;

create or replace function pg_temp.uninstall(p_drop_tables boolean)
returns table (kind text, name text, kept boolean)
language plpgsql
set search_path = ''
as $$
declare
    published regclass [] := '{}';
    functions constant regprocedure [] := pg_temp.published_functions();
    going regclass [];
    needed oid [];
    part record;
    definition text;
begin
    perform pg_advisory_xact_lock(hashtext('orchestrator install'));
    if to_regclass('orchestrator.models') is not null then
        select coalesce(array_agg(to_regclass(relation)), '{}') into published
        from orchestrator.models
        where to_regclass(relation) is not null
            and to_regclass(relation) not in (
                select pg_class.oid from pg_class
                where relnamespace = to_regnamespace('orchestrator')
            );
    end if;
    going := case when p_drop_tables then published else '{}' end || array(
        select pg_class.oid::regclass from pg_class
        where relnamespace = to_regnamespace('orchestrator')
    );
    needed := pg_temp.needed_functions(going);
    create temporary table inventory on commit drop as
    select * from pg_temp.inventory(going, functions);

    -- Jobs.
    if exists (select from pg_extension where extname = 'pg_cron')
        and to_regprocedure('orchestrator.is_cron_job(text, text)') is not null
        and has_schema_privilege('cron', 'usage') then
        for part in
            select jobid, jobname
            from cron.job
            where database = current_database()
                and orchestrator.is_cron_job(jobname::text, command)
        loop
            perform cron.unschedule(part.jobid);
            return query select 'pg_cron job', part.jobname::text, false;
        end loop;
    end if;

    -- What the policies of tables that stay need moves to where these are.
    for part in
        select pg_proc.oid, pronamespace, proname, proacl
        from pg_proc
        where pg_proc.oid = any(needed)
            and prosrc ~ '\morchestrator\M'
            or pg_proc.oid = any(needed)
            and pronamespace = to_regnamespace('orchestrator')
        order by pronamespace = to_regnamespace('orchestrator') desc
    loop
        definition := replace(
            pg_get_functiondef(part.oid), 'orchestrator', 'analytics'
        );
        execute definition;
        if part.pronamespace = to_regnamespace('orchestrator') then
            execute format(
                'revoke all on function analytics.%I from public', part.proname
            );
            execute format(
                'comment on function analytics.%I is %L', part.proname,
                'Left by kpi_engine for the policies of its tables'
            );
        end if;
    end loop;

    -- Views before the functions that they call.
    drop view if exists analytics.data_freshness, analytics.cron_job_status;
    for part in
        select unnest(functions) as function
    loop
        continue when part.function::oid = any(needed);
        execute format('drop routine %s cascade', part.function);
    end loop;
    drop schema if exists orchestrator cascade;
    if p_drop_tables then
        for part in select unnest(published)::text as name loop
            execute format('drop table %s cascade', part.name);
        end loop;
    end if;

    for part in
        select before.*
        from pg_temp.inventory as before
        where not before.is_ours and not exists (
            select from pg_temp.inventory('{}', '{}') as now
            where now.classid = before.classid
                and now.objid = before.objid
                and now.objsubid = before.objsubid
        )
        order by before.objsubid, before.kind, before.name
        limit 1
    loop
        raise exception 'Nothing was removed: the % % needs what would go.',
            part.kind, part.name
            using errcode = 'dependent_objects_still_exist',
            hint = 'It is not of this project; change or drop it first.';
    end loop;

    -- What stands by itself goes where nobody uses it.
    if p_drop_tables then
        for part in
            select 'schema' as kind, nspname::text as name
            from pg_namespace
            where nspname = 'analytics'
            union all
            select shared.kind, shared.name
            from (
                select 'domain' as kind, pg_type.oid::regtype::text as name,
                    obj_description(pg_type.oid, 'pg_type') as comment
                from pg_type
                where typtype = 'd'
                union all
                select 'function', pg_proc.oid::regprocedure::text,
                    obj_description(pg_proc.oid, 'pg_proc')
                from pg_proc
                where pronamespace = to_regnamespace('auth')
                union all
                select 'schema', nspname::text,
                    obj_description(pg_namespace.oid, 'pg_namespace')
                from pg_namespace
                where nspname = 'auth'
                union all
                select 'role', rolname::text,
                    shobj_description(pg_roles.oid, 'pg_authid')
                from pg_roles
            ) as shared
            where shared.comment ~ '[Mm]ade by kpi_'
                -- Another target's may be here.
                and not exists (
                    select from pg_namespace
                    where obj_description(pg_namespace.oid, 'pg_namespace')
                        like 'kpi\_engine runtime %'
                )
        loop
            continue when part.name is null;
            begin
                execute format('drop %s %s', part.kind, part.name);
                return query select part.kind, part.name, false;
            exception
                when dependent_objects_still_exist or insufficient_privilege then
                    null;
            end;
        end loop;
    end if;

    -- A schema that stays, for what else is in it, lets in no role that reads none of that.
    if p_drop_tables and to_regnamespace('analytics') is not null then
        for part in
            select rolname::text as name
            from pg_roles
            where
                rolname in ('anon', 'authenticated', 'service_role')
                and not exists (
                    select from pg_class
                    where
                        relnamespace = to_regnamespace('analytics')
                        and has_table_privilege(pg_roles.oid, pg_class.oid, 'select')
                )
        loop
            execute format('revoke usage on schema analytics from %I', part.name);
        end loop;
    end if;

    return query
    select inventory.kind, inventory.name, false
    from pg_temp.inventory
    where is_ours and objsubid = 0
        and inventory.kind in (
            'table', 'view', 'function', 'procedure', 'trigger'
        )
        and not inventory.objid = any(needed);
    if not p_drop_tables then
        return query select 'table', unnest(published)::text, true;
    end if;
end
$$;
