{# What the application does to its tables beside writing rows: how it is noticed,
   and what it asks of the summaries that read them. #}
{% macro runtime_sources() %}
-- A table with its partitions, and with what inherits from it.
create or replace function orchestrator.tables_of(p_relation regclass)
returns table (relid oid, is_root boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with recursive parts as (
        select p_relation::oid as relid, true as is_root
        where p_relation is not null
        union
        select pg_inherits.inhrelid, false
        from parts
        inner join pg_inherits on pg_inherits.inhparent = parts.relid
        where not pg_inherits.inhdetachpending
    )

    select relid, is_root from parts
$$;

-- How a trigger stands: pg_trigger.tgenabled, in lower case where it is of each row.
create or replace function orchestrator.trigger_state(
    p_enabled "char", p_type smallint
)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when p_type & 1 = 1 then lower(p_enabled::text) else p_enabled::text end
$$;

-- How a source's triggers stand on one of its tables, in the order of their names.
create or replace function orchestrator.trigger_states(
    p_table oid, p_generated_name text
)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(
        string_agg(orchestrator.trigger_state(tgenabled, tgtype), '' order by tgname), ''
    )
    from pg_trigger
    where
        tgrelid = p_table
        and tgfoid = to_regprocedure(
            format('orchestrator.%I()', 'capture_' || p_generated_name)
        )
$$;

-- The tables of the sources that have triggers and that a model reads, or (null) of
-- all, and how the triggers stand on each, as a text.
create or replace function orchestrator.source_states(p_model text default null)
returns table (relation text, state text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with recursive parts as (
        select
            sources.relation,
            to_regclass(sources.relation)::oid as relid,
            to_regprocedure(format(
                'orchestrator.%I()', 'capture_' || sources.generated_name
            ))::oid as function
        from orchestrator.sources
        where
            sources.capture_by = 'triggers'
            and (p_model is null or p_model = any(sources.readers))
        union
        select parts.relation, pg_inherits.inhrelid, parts.function
        from parts
        inner join pg_inherits on pg_inherits.inhparent = parts.relid
        where not pg_inherits.inhdetachpending
    ),

    tables as (
        select
            parts.relation,
            parts.relid,
            string_agg(
                orchestrator.trigger_state(pg_trigger.tgenabled, pg_trigger.tgtype), ''
                order by pg_trigger.tgname
            ) as states
        from parts
        left join pg_trigger
            on pg_trigger.tgrelid = parts.relid and pg_trigger.tgfoid = parts.function
        group by parts.relation, parts.relid
    )

    select
        tables.relation,
        string_agg(concat(tables.relid, ':', tables.states), ' ' order by tables.relid)
    from tables
    group by tables.relation;
end
$$;

-- Who computes, and reads the source tables for that.
create or replace function orchestrator.owner_id()
returns oid
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select nspowner from pg_namespace where nspname = 'orchestrator'
$$;

-- Whether a policy for these roles (0: everybody) is for a role.
create or replace function orchestrator.is_policy_of(p_roles oid [], p_role oid)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from unnest(p_roles) as granted
        where granted = 0 or pg_has_role(p_role, granted, 'usage')
    )
$$;

-- Which of these source tables row-level security may hide rows of, from who
-- computes. A policy for all rows hides none.
create or replace function orchestrator.hidden_sources(p_sources text [])
returns table (relation text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with recursive read as (
        select source as relation, to_regclass(source)::oid as relid
        from unnest(p_sources) as source
        union
        -- A view is as its tables are.
        select read.relation, pg_depend.refobjid
        from read
        inner join pg_class
            on pg_class.oid = read.relid and pg_class.relkind = 'v'
        inner join pg_rewrite on pg_rewrite.ev_class = read.relid
        inner join pg_depend
            on
                pg_depend.classid = 'pg_rewrite'::regclass
                and pg_depend.objid = pg_rewrite.oid
                and pg_depend.refclassid = 'pg_class'::regclass
                and pg_depend.refobjid <> read.relid
    )

    select distinct read.relation
    from read
    inner join pg_class on pg_class.oid = read.relid
    cross join (
        select pg_roles.oid, pg_roles.rolsuper or pg_roles.rolbypassrls as sees_all
        from pg_roles
        where pg_roles.oid = orchestrator.owner_id()
    ) as owner
    where
        pg_class.relrowsecurity
        and not owner.sees_all
        and (
            pg_class.relforcerowsecurity
            or not pg_has_role(owner.oid, pg_class.relowner, 'usage')
        )
        and (
            not exists (
                select from pg_policy
                where
                    pg_policy.polrelid = pg_class.oid
                    and pg_policy.polpermissive
                    and pg_policy.polcmd in ('r', '*')
                    and pg_get_expr(pg_policy.polqual, pg_policy.polrelid) = 'true'
                    and orchestrator.is_policy_of(pg_policy.polroles, owner.oid)
            )
            or exists (
                select from pg_policy
                where
                    pg_policy.polrelid = pg_class.oid
                    and not pg_policy.polpermissive
                    and pg_policy.polcmd in ('r', '*')
                    and pg_get_expr(pg_policy.polqual, pg_policy.polrelid)
                    is distinct from 'true'
                    and orchestrator.is_policy_of(pg_policy.polroles, owner.oid)
            )
        )
$$;

-- What to say of such a table.
create or replace function orchestrator.hidden_rows_error(p_relation text)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select format(
        'Row-level security of %1$s may hide rows from %2$I, who computes. What reads '
        'it stays as it is until this is run: create policy kpi_engine on %1$s for '
        'select to %2$I using (true)',
        p_relation, pg_get_userbyid(orchestrator.owner_id())
    )
$$;

-- Whether a summary table's own policies keep out its owner, as after a restore by
-- another role.
create or replace function orchestrator.hides_from_owner(p_table regclass)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from pg_class
        inner join pg_roles on pg_roles.oid = pg_class.relowner
        where
            pg_class.oid = p_table
            and pg_class.relforcerowsecurity
            and not (pg_roles.rolsuper or pg_roles.rolbypassrls)
            and not exists (
                select from pg_policy
                where
                    pg_policy.polrelid = pg_class.oid
                    and pg_policy.polname = 'owner'
                    and pg_class.relowner = any(pg_policy.polroles)
            )
    )
$$;

-- An error where a summary table's rows would be taken for gone that are hidden.
create or replace function orchestrator.require_all_rows(p_model text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    hidden text;
begin
    if exists (
        select from orchestrator.models
        where model = p_model and orchestrator.hides_from_owner(to_regclass(relation))
    ) then
        raise exception
            'The policies of % do not let in its owner %, as after a restore by another '
            'role. To repair them: orchestrator access apply',
            p_model, current_user
            using errcode = 'insufficient_privilege';
    end if;
    -- As a rule none of them has row-level security, which is soon seen.
    if not exists (
        select from orchestrator.models
        cross join unnest(models.sources) as source
        inner join pg_class on pg_class.oid = to_regclass(source)
        where
            models.model = p_model
            and (pg_class.relrowsecurity or pg_class.relkind = 'v')
    ) then
        return;
    end if;
    select min(relation) into hidden
    from orchestrator.hidden_sources(
        array(select unnest(sources) from orchestrator.models where model = p_model)
    );
    if hidden is not null then
        raise exception '%', orchestrator.hidden_rows_error(hidden)
            using errcode = 'insufficient_privilege';
    end if;
end
$$;

-- Open and close the incidents of such tables.
create or replace function orchestrator.watch_hidden_rows()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    hidden constant text [] := array(
        select relation
        from orchestrator.hidden_sources(
            array(select relation from orchestrator.sources)
        )
    );
    source text;
begin
    foreach source in array hidden loop
        perform orchestrator.open_incident(
            source, 'hidden', orchestrator.hidden_rows_error(source)
        );
    end loop;
    for source in
        select model from orchestrator.alert_incidents
        where closed_at is null and kind = 'hidden' and model <> all(hidden)
    loop
        perform orchestrator.close_incident(
            source, 'hidden', format('No rows of %s are hidden any more.', source)
        );
    end loop;
end
$$;

-- Make the triggers of a source on one of its tables. What fires always fires also
-- for what arrives by replication, or as a replica; to say so takes the owner.
-- Rows that arrive by replication have no statement that a trigger could be of.
create or replace function orchestrator.make_triggers(
    p_source orchestrator.sources, p_table regclass, p_is_root boolean
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    event text;
    seen text;
begin
    foreach event in array array['insert', 'update', 'delete', 'truncate'] loop
        -- A trigger of rows is its partitions', too.
        if not p_source.is_replicated or event = 'truncate' or p_is_root then
            seen := case
                when p_source.is_replicated or event = 'truncate' then ''
                when event = 'insert' then 'referencing new table as changed_rows'
                when event = 'delete' then 'referencing old table as changed_rows'
                else 'referencing old table as old_rows new table as new_rows'
            end;
            execute format(
                'create or replace trigger %I after %s on %s %s for each %s '
                'execute function orchestrator.%I()',
                'orchestrator_capture_' || event, event, p_table, seen,
                case
                    when p_source.is_replicated and event <> 'truncate' then 'row'
                    else 'statement'
                end,
                'capture_' || p_source.generated_name
            );
        end if;
        if orchestrator.may_alter(p_table) then
            execute format(
                'alter table %s enable always trigger %I', p_table,
                'orchestrator_capture_' || event
            );
        end if;
    end loop;
end
$$;

-- Drop a source's triggers from whatever is no table of p_root (null: from all).
create or replace function orchestrator.drop_triggers(
    p_generated_name text, p_root regclass
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    part record;
begin
    for part in
        select tgname, tgrelid::regclass as relation
        from pg_trigger
        where
            tgfoid = to_regprocedure(
                format('orchestrator.%I()', 'capture_' || p_generated_name)
            )
            and tgparentid = 0
            and tgrelid not in (select relid from orchestrator.tables_of(p_root))
    loop
        execute format('drop trigger %I on %s', part.tgname, part.relation);
    end loop;
end
$$;

-- Whether the caller may change a table: is its owner, or of the owner's role.
create or replace function orchestrator.may_alter(p_table regclass)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select pg_has_role(relowner, 'usage') from pg_class where oid = p_table
$$;

-- The time that a partition holds, where the source says that rows touch the moment
-- by which it is partitioned; null: any.
create or replace function orchestrator.partition_range(
    p_partition oid, p_moments text []
)
returns tstzrange
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    bounds text [];
begin
    select regexp_match(
        pg_get_expr(pg_class.relpartbound, pg_class.oid),
        '^FOR VALUES FROM \((.+)\) TO \((.+)\)$'
    )
    into bounds
    from pg_class
    inner join pg_inherits on pg_inherits.inhrelid = pg_class.oid
    inner join pg_partitioned_table as parent
        on parent.partrelid = pg_inherits.inhparent
    inner join pg_attribute as key
        on key.attrelid = parent.partrelid and key.attnum = parent.partattrs[0]
    where
        pg_class.oid = p_partition
        and parent.partnatts = 1
        -- Rows that touch but one moment, and that the partition's.
        and p_moments = array[key.attname::text]
        and key.atttypid in (
            'timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype
        );
    if bounds is null then
        return null;
    end if;
    -- As a date or a time of no zone it may be a day of any.
    return tstzrange(
        case
            when bounds[1] <> 'MINVALUE'
                then trim(bounds[1], '''')::timestamptz - interval '1 day'
        end,
        case
            when bounds[2] <> 'MAXVALUE'
                then trim(bounds[2], '''')::timestamptz + interval '1 day'
        end
    );
end
$$;

-- Request what the rows of a relation (or of a query in brackets) touch; all, where
-- that fails.
create or replace function orchestrator.request_rows(
    p_source orchestrator.sources,
    p_rows text,
    p_reason text,
    p_models text [] default null,
    p_data jsonb default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format(
        'select orchestrator.%I($1, $2, $3, $4)',
        'request_' || p_source.generated_name
    ) using p_rows, p_data, coalesce(p_models, p_source.readers), p_reason;
exception when others then
    perform orchestrator.request_all(
        p_source, p_reason || ' (' || sqlerrm || ')', p_models => p_models
    );
end
$$;

-- Request everything of the summary tables that read a source, or what lies in a
-- time.
create or replace function orchestrator.request_all(
    p_source orchestrator.sources,
    p_reason text,
    p_period tstzrange default null,
    p_models text [] default null
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into orchestrator.refresh_queue (model, period, reason)
    select model, p_period, p_reason
    from unnest(coalesce(p_models, p_source.readers)) as model
$$;

-- Changes of a source go unnoticed: say so, once.
create or replace function orchestrator.note_lost(
    p_source orchestrator.sources, p_why text
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update orchestrator.sources
    set lost_since = coalesce(lost_since, clock_timestamp())
    where relation = p_source.relation;
    perform orchestrator.open_incident(p_source.relation, 'capture', format(
        'Changes of %s go unnoticed: %s. What they touch is computed once they are '
        'noticed again. To have it so: orchestrator install', p_source.relation, p_why
    ));
end
$$;

-- Whether rows arrive by replication that a source's triggers do not see.
create or replace function orchestrator.misses_replication(
    p_source orchestrator.sources
)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select not p_source.is_replicated and exists (
        select from orchestrator.tables_of(to_regclass(p_source.relation)) as tables
        inner join pg_subscription_rel on pg_subscription_rel.srrelid = tables.relid
    )
$$;

-- Look at what has become of source tables since the last look, those that a model
-- reads or (null) all: of their partitions, their triggers, the tables themselves.
-- Requests what that may have changed. With p_repair makes triggers that are
-- missing.
create or replace function orchestrator.look_at_sources(
    p_model text default null, p_repair boolean default true
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    source orchestrator.sources;
begin
    for source in
        select sources.*
        from orchestrator.source_states(p_model) as now
        inner join orchestrator.sources as sources
            on sources.relation = now.relation
        where
            sources.installed is not null
            and sources.released_at is null
            and (
                sources.seen is distinct from now.state
                or (
                    p_repair
                    and (
                        sources.lost_since is not null
                        or exists (select from pg_subscription_rel)
                        and orchestrator.misses_replication(sources)
                    )
                )
            )
        order by sources.relation
    loop
        -- Who looks at the same moment has the same to say.
        continue when not pg_try_advisory_xact_lock(
            hashtext('orchestrator source'), hashtext(source.relation)
        );
        perform orchestrator.look_at_source(source.relation, p_repair);
    end loop;
end
$$;

-- The same for one of them. With p_require it is an error where a trigger cannot be
-- made, and those that have been disabled are enabled again.
create or replace function orchestrator.look_at_source(
    p_relation text, p_repair boolean, p_require boolean default false
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    root constant oid := to_regclass(p_relation);
    waits constant text := current_setting('lock_timeout');
    source orchestrator.sources;
    is_replaced boolean;
    is_lost boolean := false;
    is_incomplete boolean := false;
    is_restored boolean;
    part record;
    known jsonb := '{}';
    failure text;
begin
    select * into source from orchestrator.sources where relation = p_relation;
    -- What reads a table that is not there fails, and says so.
    if root is null then
        return;
    end if;
    is_replaced := source.table_oid <> root;
    if is_replaced then
        perform orchestrator.request_all(source, 'replaced ' || p_relation);
        source.partitions := '{}';
    end if;
    is_restored := source.lost_since is not null;
    -- A trigger of rows is its partitions', too: it cannot take a statement's place.
    if p_require and exists (
        select from orchestrator.tables_of(root) as tables
        where
            (
                orchestrator.trigger_states(tables.relid, source.generated_name)
                ~ '[a-z]'
            ) <> source.is_replicated
    ) then
        perform orchestrator.drop_triggers(source.generated_name, null);
    end if;

    for part in
        select
            tables.relid,
            tables.is_root,
            tables.relid::regclass::text as relation,
            orchestrator.trigger_states(
                tables.relid, source.generated_name
            ) as states,
            -- What fires always fires also for a replica; to say so takes the owner.
            -- Of delete, insert, truncate, update.
            translate(
                case when source.is_replicated then 'aaAa' else 'AAAA' end,
                case when orchestrator.may_alter(tables.relid) then '' else 'Aa' end,
                'Oo'
            ) as wanted,
            source.partitions -> tables.relid::text as before
        from orchestrator.tables_of(root) as tables
        order by tables.is_root desc, tables.relid
    loop
        failure := null;
        if part.states ~* '[DR]' and not p_require then
            failure := format('the triggers of %s are disabled', part.relation);
        elsif part.states <> part.wanted and p_repair then
            begin
                -- Who writes waits behind a trigger that is being made.
                perform set_config(
                    'lock_timeout', case when p_require then '3s' else '50ms' end, true
                );
                perform orchestrator.make_triggers(source, part.relid, part.is_root);
                is_restored := is_restored or part.is_root or part.before is not null;
            exception
                when lock_not_available then
                    failure := format(
                        'The source table %s is in use by a transaction that does '
                        'not end, so its triggers cannot be made. Run this again '
                        'when it has ended.', part.relation
                    );
                when others then
                    failure := sqlerrm;
            end;
            perform set_config('lock_timeout', waits, true);
            if failure is not null and p_require then
                raise exception '%', failure using errcode = 'lock_not_available';
            end if;
        elsif part.states <> part.wanted then
            is_incomplete := true;
        end if;

        -- A partition that has come brings its rows.
        if part.before is null and not part.is_root and not is_replaced
            and source.table_oid is not null and source.lost_since is null
        then
            perform orchestrator.request_rows(
                source, part.relation, 'partition ' || part.relation
            );
        end if;
        if failure is not null then
            is_lost := true;
            perform orchestrator.note_lost(source, failure);
        end if;
        known := known || jsonb_build_object(part.relid, coalesce(
            part.before,
            to_jsonb(orchestrator.partition_range(part.relid, source.moments)),
            'null'
        ));
    end loop;

    if orchestrator.misses_replication(source) then
        is_lost := true;
        perform orchestrator.note_lost(source, format(
            'rows of %s arrive by replication, and its capture is not declared '
            '`replicated: true`', p_relation
        ));
    end if;

    -- One that has gone takes its rows along.
    for part in
        select
            gone.key::oid as relid,
            pg_class.oid::regclass::text as relation,
            (gone.value #>> '{}')::tstzrange as range
        from jsonb_each(source.partitions) as gone
        left join pg_class on pg_class.oid = gone.key::oid
        where gone.key::oid not in (select relid from orchestrator.tables_of(root))
    loop
        if part.relation is not null then
            perform orchestrator.request_rows(
                source, part.relation, 'partition ' || part.relation
            );
        else
            perform orchestrator.request_all(
                source, 'partition of ' || p_relation, part.range
            );
        end if;
    end loop;
    if p_repair then
        begin
            perform set_config('lock_timeout', '50ms', true);
            perform orchestrator.drop_triggers(source.generated_name, root);
        exception when others then
            -- Then they ask for a little too much, until the next look.
            null;
        end;
        perform set_config('lock_timeout', waits, true);
    end if;

    if is_restored and not is_lost then
        if not is_replaced and source.table_oid is not null then
            perform orchestrator.request_all(source, 'capture of ' || p_relation);
        end if;
        perform orchestrator.close_incident(
            p_relation, 'capture',
            format('Changes of %s are noticed again.', p_relation)
        );
    end if;
    update orchestrator.sources
    set
        table_oid = root,
        partitions = known,
        lost_since = case when is_lost then lost_since end,
        seen = case
            when not is_incomplete and (p_repair or not is_lost)
                then (
                    select now.state from orchestrator.source_states() as now
                    where now.relation = p_relation
                )
        end
    where relation = p_relation;
end
$$;

-- The functions of sources that are none any more, or are noticed otherwise now.
create or replace function orchestrator.unused_captures()
returns table (function regprocedure, generated_name text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select pg_proc.oid, regexp_replace(proname, '^(capture|request)_', '')
    from pg_proc
    where
        pronamespace = 'orchestrator'::regnamespace
        and (
            pg_proc.oid = to_regprocedure(format('orchestrator.%I()', proname))
            and proname like 'capture\_%'
            or pg_proc.oid = to_regprocedure(
                format('orchestrator.%I(text, jsonb, text [], text)', proname)
            )
            and proname like 'request\_%'
        )
        and not exists (
            select from orchestrator.sources
            where
                'capture_' || sources.generated_name = proname
                and capture_by = 'triggers'
                or 'request_' || sources.generated_name = proname
                and capture_by <> 'lookback'
        )
$$;

-- Drop the capture functions of source tables that no model reads any more.
create or replace function orchestrator.drop_unused_captures()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unused record;
begin
    for unused in select * from orchestrator.unused_captures() loop
        perform orchestrator.drop_triggers(unused.generated_name, null);
        execute format('drop function %s', unused.function);
    end loop;
end
$$;

-- Look as a table is changed, in the transaction that changes it, where this role may
-- have an event trigger. It must not fail.
create or replace function orchestrator.look_after_ddl()
returns event_trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Not at what a refresh, or a look itself, makes.
    if current_setting('orchestrator.present', true) <> ''
        or current_setting('orchestrator.is_looking', true) = 'yes'
        or (
            tg_tag = 'CREATE TABLE'
            and not exists (
                select from pg_event_trigger_ddl_commands()
                where schema_name <> 'pg_temp'
            )
        )
    then
        return;
    end if;
    perform set_config('orchestrator.is_looking', 'yes', true);
    perform orchestrator.look_at_sources();
    perform set_config('orchestrator.is_looking', '', true);
exception when others then
    perform set_config('orchestrator.is_looking', '', true);
end
$$;

{% if kpi_engine.is_production() -%}
do $$
begin
    if not exists (
        select from pg_event_trigger where evtname = 'orchestrator_look'
    ) then
        create event trigger orchestrator_look on ddl_command_end
        when tag in ('ALTER TABLE', 'CREATE TABLE', 'DROP TABLE')
        execute function orchestrator.look_after_ddl();
    end if;
exception when insufficient_privilege then
    -- Then it is seen by the next look: of a refresh, a worker, pg_cron.
    null;
end
$$;
{%- endif %}

-- Look for what is new of the sources that a summary table knows by version, and
-- request what it touches: rows of transactions that had not ended when that was
-- last done, and, where a column says when a row was changed, of these the newest.
create or replace function orchestrator.look_for_versions(p_model text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    source orchestrator.sources;
    known orchestrator.source_versions;
    -- From before the rows are read: what is committed meanwhile is new once more.
    snapshot constant pg_snapshot := pg_current_snapshot();
    has_xmin boolean;
    latest text;
    conditions text;
begin
    for source in
        select * from orchestrator.sources
        where capture_by = 'version' and p_model = any(readers)
    loop
        select * into known
        from orchestrator.source_versions
        where relation = source.relation and model = p_model;
        has_xmin := exists (
            select from pg_class
            where oid = to_regclass(source.relation) and relkind in ('r', 'p')
        );
        if source.version_column <> 'xmin' then
            execute format(
                'select max(%I)::text from %s', source.version_column, source.relation
            ) into latest;
        end if;
        if known.model is null then
            perform orchestrator.request_all(
                source, 'capture of ' || source.relation, p_models => array[p_model]
            );
        else
            conditions := concat_ws(
                ' and ',
                case
                    when has_xmin then format(
                        'not pg_visible_in_snapshot(orchestrator.full_xid(xmin), %L)',
                        known.seen_snapshot
                    )
                end,
                case
                    when source.version_column <> 'xmin'
                        and known.seen_version is not null
                        then format(
                            '%1$I >= %2$L::timestamptz - interval %3$L',
                            source.version_column, known.seen_version, source.overlap
                        )
                end
            );
            perform orchestrator.request_rows(
                source,
                format(
                    '(select * from %s where %s)', source.relation,
                    coalesce(nullif(conditions, ''), 'true')
                ),
                'source ' || source.relation,
                p_models => array[p_model]
            );
        end if;
        insert into orchestrator.source_versions (
            relation, model, seen_snapshot, seen_version
        )
        values (source.relation, p_model, snapshot, latest)
        on conflict (relation, model) do update set
            seen_snapshot = excluded.seen_snapshot,
            seen_version = excluded.seen_version
        where known.seen_snapshot::text <> excluded.seen_snapshot::text
            or known.seen_version is distinct from excluded.seen_version;
    end loop;
end
$$;

-- A row's xmin with its epoch: the newest that is not in the future.
create or replace function orchestrator.full_xid(p_xid xid)
returns xid8
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select (
        case
            when low <= next % 4294967296 then next - next % 4294967296 + low
            else greatest(next - next % 4294967296 - 4294967296 + low, 0)
        end
    )::text::xid8
    from (
        select
            p_xid::text::bigint as low,
            pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next
    ) as counted
$$;
{% endmacro %}
