{# A refresh, by any executor: slices of begin, compute and end, each in one
   transaction. #}
{% macro runtime_refresh() %}
-- The row of the run that an invocation has left, open again, or a new one.
create or replace function orchestrator.open_run(
    p_model text,
    p_executor text,
    p_invocation text,
    p_began timestamptz default clock_timestamp()
)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    run bigint;
begin
    update orchestrator.job_runs
    set status = 'running', backend_pid = pg_backend_pid()
    where id = (
        select max(id)
        from orchestrator.job_runs
        where job = p_model and invocation = p_invocation
    )
    returning id into run;
    if run is null then
        insert into orchestrator.job_runs (job, executor, invocation, started_at)
        values (p_model, p_executor, p_invocation, p_began)
        returning id into run;
    end if;
    return run;
end
$$;

-- Close a run whose work was not done: as `error` or `skipped`.
create or replace function orchestrator.close_run(
    p_run bigint, p_status text, p_reason text, p_message text
)
returns orchestrator.job_runs
language sql
set search_path = pg_catalog, pg_temp
as $$
    update orchestrator.job_runs
    set
        status = p_status,
        finished_at = clock_timestamp(),
        reason = coalesce(p_reason, reason),
        error_message = p_message
    where id = p_run
    returning *
$$;

-- Close a run as failed: the one that its invocation has left, or a new one.
create or replace function orchestrator.fail_run(
    p_model text,
    p_executor text,
    p_invocation text,
    p_message text,
    p_began timestamptz default clock_timestamp()
)
returns orchestrator.job_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return orchestrator.close_run(
        orchestrator.open_run(p_model, p_executor, p_invocation, p_began),
        'error',
        null,
        p_message
    );
end
$$;

-- An error's message without the values in it, which may be some tenant's own.
create or replace function orchestrator.plain_error(p_message text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select regexp_replace(p_message, '(: )".*$', '')
$$;

-- A request of everybody, as the clock or a build makes it.
create or replace function orchestrator.new_request(
    p_period tstzrange default null,
    p_since timestamptz default null,
    p_is_whole boolean default null,
    p_is_build boolean default null,
    p_requested_at timestamptz default null
)
returns orchestrator.claimed_request
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select (
        null, p_period, p_since, false, p_is_whole, p_is_build, null, p_requested_at
    )::orchestrator.claimed_request
$$;

-- Empty a table of periods that has grown by rows long deleted. Autovacuum leaves these
-- tables alone, and a long transaction of another session would keep their rows from it.
-- Who reads them (a dump does) is not waited for: then next time.
create or replace function orchestrator.shrink_periods(p_table regclass)
returns void
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('lock table %s in access exclusive mode nowait', p_table);
    execute format('truncate %s', p_table);
exception when lock_not_available then
    null;
end
$$;

-- Count a table of periods for the planner where it has in mind another size. Few rows
-- are few rows: analyzing them would cost more than computing them.
create or replace function orchestrator.analyze_periods(
    p_table regclass, p_number bigint
)
returns void
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
declare
    few constant integer := 25;
    known constant real := (select reltuples from pg_class where oid = p_table);
begin
    if known < 0
        or p_number > 4 * greatest(known, few)
        or known > 4 * greatest(p_number, few)
    then
        execute format('analyze %s', p_table);
    end if;
end
$$;

-- Take the model's lock and return the requests that it claims. p_scope is
-- 'requested' (the queue, and the periods that time has brought since the last
-- refresh; without the lock, nothing), 'everything' (for a table that is built
-- again; waits for the lock), 'sample' (the periods of p_sample; takes no request
-- and notes nothing, so that the next refresh is as if it had not been) or
-- 'nothing'. A changed p_definition makes everything of 'requested'. Null where
-- another refresh has the lock.
--
-- What the refresh calls now is the moment at which it has the lock. Refreshes of
-- a model follow each other, and so do their moments: the watermark never passes
-- a period that the refresh which set it did not compute.
create or replace function orchestrator.begin_refresh(
    p_model text,
    p_executor text,
    p_scope text,
    p_definition text default null,
    p_invocation text default null,
    p_sample tstzrange default null,
    p_eager boolean default false
)
returns orchestrator.claimed_request []
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    lock_key constant integer := hashtext(p_model);
    lock_class constant integer := hashtext('orchestrator');
    known orchestrator.models;
    run constant bigint :=
        orchestrator.open_run(p_model, p_executor, p_invocation);
    present timestamptz;
    requests orchestrator.claimed_request [] := '{}';
    reasons text;
begin
    perform set_config('orchestrator.run', run::text, true);
    perform set_config('orchestrator.scope', p_scope, true);
    perform set_config('orchestrator.eager', p_eager::text, true);
    -- Compiling the query would take twenty times as long as running it.
    perform set_config('jit', 'off', true);

    if p_scope = 'everything' then
        perform pg_advisory_xact_lock(lock_class, lock_key);
    elsif not pg_try_advisory_xact_lock(lock_class, lock_key) then
        perform set_config('orchestrator.scope', 'locked', true);
        return null;
    end if;
    perform set_config('orchestrator.present', clock_timestamp()::text, true);
    present := {{ kpi_engine.present() }};
    perform orchestrator.close_dead_runs(p_model);
    if p_scope <> 'nothing' then
        perform orchestrator.require_all_rows(p_model);
    end if;

    if p_scope in ('nothing', 'sample') then
        if p_scope = 'sample' then
            requests := array[orchestrator.new_request(p_period => p_sample)];
        end if;
        update orchestrator.job_runs set reason = p_scope where id = run;
        return requests;
    end if;

    select * into known from orchestrator.models where model = p_model;
    if known.has_versions then
        perform orchestrator.look_for_versions(p_model);
    end if;
    select claimed.requests, claimed.reasons into requests, reasons
    from orchestrator.claim_requests(p_model) as claimed;

    if p_scope = 'everything' or known.refreshed_through is null then
        reasons := 'build';
    elsif p_definition is distinct from known.definition
        and p_definition is not null then
        reasons := 'changed definition';
    end if;

    if reasons in ('build', 'changed definition') then
        -- Whatever else has been asked is part of this.
        delete from orchestrator.refresh_queue where model = p_model;
        requests := array[orchestrator.new_request(
            p_is_build => reasons = 'build', p_requested_at => present
        )];
    elsif known.refreshed_through > present then
        requests := requests || orchestrator.go_back(known, present);
    else
        -- The clock asks nothing of anybody before the next rollover.
        if (known.next_rollover > present) is not true
            or known.lookback is not null
        then
            requests := requests || orchestrator.new_request(
                p_period => tstzrange(known.refreshed_through, null),
                p_since => known.refreshed_through,
                p_requested_at => known.refreshed_through
            );
        end if;
        -- What a source without triggers has changed, nobody says.
        if known.lookback is not null then
            requests := requests || orchestrator.new_request(
                p_period => tstzrange(present - known.lookback, null),
                p_requested_at => present
            );
        end if;
    end if;
    if p_scope <> 'everything' then
        requests := orchestrator.leave_the_rest(known, requests);
    end if;

    update orchestrator.job_runs
    set reason = coalesce(reason, reasons, 'schedule')
    where id = run;

    update orchestrator.models
    set definition = p_definition
    where model = p_model and definition is distinct from p_definition
        and p_definition is not null;

    return requests;
end
$$;

-- Take a model's requests from the queue, no more than one transaction may compute:
-- the newest, and before any rest of an older one. Those of tenants that have failed
-- wait until they are to be tried again. Those that keep a source's rows are looked up
-- now. Returns them, and why they were made.
create or replace function orchestrator.claim_requests(
    p_model text, out requests orchestrator.claimed_request [], out reasons text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    most constant integer := {{ kpi_engine.setting('periods_per_transaction') }};
    number bigint;
    unlooked jsonb;
begin
    with taken as (
        delete from orchestrator.refresh_queue
        where ctid = any(array(
            select queued.ctid
            from orchestrator.refresh_queue as queued
            where
                queued.model = p_model
                and not exists (
                    select from orchestrator.quarantine as held
                    where
                        held.model = p_model
                        and held.tenant = queued.tenant
                        and orchestrator.is_held(held)
                )
            order by queued.backlog, queued.id desc
            limit most
        ))
        returning
            tenant, period, reason, is_named, is_build, backlog, requested_at,
            source, source_rows
    ),

    by_tenant as (
        select
            tenant,
            is_named,
            is_build,
            backlog,
            bool_or(period is null) as is_unbounded,
            range_agg(period) as periods,
            array_agg(distinct split_part(reason, ' ', 1)) as reasons,
            min(requested_at) as requested_at
        from taken
        where source_rows is null
        group by tenant, is_named, is_build, backlog
    ),

    merged as (
        select
            (
                by_tenant.tenant, bounded.period, null, by_tenant.is_named, null,
                by_tenant.is_build, by_tenant.backlog, by_tenant.requested_at
            )::orchestrator.claimed_request as request
        from by_tenant
        left join lateral unnest(by_tenant.periods) as bounded (period)
            on not by_tenant.is_unbounded
        where by_tenant.is_unbounded or bounded.period is not null
    )

    select
        array(select merged.request from merged),
        (
            select string_agg(distinct reason, ', ')
            from by_tenant, unnest(by_tenant.reasons) as reason
        ),
        (select count(*) from taken),
        (
            select jsonb_object_agg(kept.source, kept.data)
            from (
                select taken.source, jsonb_agg(distinct each.value) as data
                from taken
                cross join jsonb_array_elements(taken.source_rows) as each
                group by taken.source
            ) as kept
        )
    into requests, reasons, number, unlooked;
    if unlooked is not null then
        perform orchestrator.request_rows(
            sources,
            null,
            'source ' || sources.relation,
            p_models => array[p_model],
            p_data => unlooked -> sources.relation
        )
        from orchestrator.sources as sources
        where unlooked ? sources.relation;
        select
            claim_requests.requests || again.requests,
            (
                select string_agg(distinct reason, ', ')
                from string_to_table(
                    concat_ws(', ', claim_requests.reasons, again.reasons), ', '
                ) as reason
            )
        into requests, reasons
        from orchestrator.claim_requests(p_model) as again;
    else
        perform set_config('orchestrator.claimed_all', 'true', true);
    end if;
    if number >= most then
        perform set_config('orchestrator.claimed_all', 'false', true);
    end if;
end
$$;

-- The server's clock was ahead when the model was last refreshed: compute again
-- what was taken for over, and say so.
create or replace function orchestrator.go_back(
    p_known orchestrator.models, p_present timestamptz
)
returns orchestrator.claimed_request
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform set_config('orchestrator.went_back', 'yes', true);
    if p_known.refreshed_through > p_present + interval '1 minute' then
        perform orchestrator.open_incident(p_known.model, 'clock', format(
            'The server''s clock went back: %s was refreshed through %s UTC, and '
            'it is %s UTC. What was computed ahead of time is computed again.',
            p_known.model,
            to_char(
                p_known.refreshed_through at time zone 'UTC', 'YYYY-MM-DD HH24:MI'
            ),
            to_char(p_present at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
        ));
    end if;
    return orchestrator.new_request(
        p_period => case
            when p_known.grain <> 'all' then tstzrange(p_present, null)
        end,
        p_is_whole => true,
        p_requested_at => p_present
    );
end
$$;

-- Cut requests down to what one transaction may compute, the newest periods of each,
-- and put the rest back into the queue. Returns what is left to compute.
create or replace function orchestrator.leave_the_rest(
    p_known orchestrator.models, p_requests orchestrator.claimed_request []
)
returns orchestrator.claimed_request []
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    most constant integer := {{ kpi_engine.setting('periods_per_transaction') }};
    present constant timestamptz := {{ kpi_engine.present() }};
    length constant interval := case
        when p_known.grain in ('day', 'week', 'month')
            then ('1 ' || p_known.grain)::interval
        when p_known.grain <> 'all' then p_known.grain::interval
    end;
    tenants bigint := 1;
    units bigint;
    earliest timestamptz := present - p_known.retention;
    span interval;
begin
    if p_known.tenant is not null
        and exists (select from unnest(p_requests) where tenant is null)
    then
        execute format('select count(*) from %s', p_known.calendar) into tenants;
        -- Of each tenant for itself, where these alone are too many.
        if tenants > most then
            execute format(
                'insert into orchestrator.refresh_queue (
                    model, tenant, period, reason, is_named, is_build, backlog,
                    requested_at
                )
                select $1, calendar.%I::text, requests.period, ''each tenant'', false,
                    requests.is_build is true, 1, requests.requested_at
                from unnest($2) as requests
                cross join %s as calendar
                where requests.tenant is null and %s',
                p_known.tenant, p_known.calendar,
                case
                    when p_known.grain = 'all' then 'requests.since is null'
                    else 'true'
                end
            ) using p_known.model, p_requests;
            p_requests := array(
                select requests
                from unnest(p_requests) as requests
                where
                    requests.tenant is not null
                    or (p_known.grain = 'all' and requests.since is not null)
            );
        end if;
    end if;
    select sum(case when tenant is null then tenants else 1 end) into units
    from unnest(p_requests);
    if length is null or units is null then
        return p_requests;
    end if;
    perform orchestrator.note_early_rows(p_known, p_requests, null);

    span := greatest(most / greatest(units, 1), 1) * length;
    if not exists (
        select from unnest(p_requests)
        where (
            least(upper(period), present)
            - greatest(lower(period), present - interval '1000 years')
            <= span + length
        ) is not true
    ) then
        return p_requests;
    end if;
    if earliest is null then
        -- Of those that are there by then: a few may be far older than the others.
        execute format(
            'select min(started_at), count(*) filter (
                where started_at < (
                    select max(least(coalesce(upper(period), $1), $1))
                    from unnest($2) where tenant is null
                )
            ) from %s',
            p_known.calendar
        ) into earliest, tenants using present, p_requests;
        if earliest is null then
            return p_requests;
        end if;
        select sum(case when tenant is null then tenants else 1 end) into units
        from unnest(p_requests);
        span := greatest(most / greatest(units, 1), 1) * length;
    end if;
    perform orchestrator.note_early_rows(p_known, p_requests, earliest);
    earliest := greatest(earliest, {{ kpi_engine.earliest_instant() }});

    with bounded as (
        select
            requests.*,
            least(coalesce(upper(requests.period), 'infinity'), present) as until
        from unnest(p_requests) as requests
    ),

    cut as (
        select
            bounded.*,
            bounded.until - span as cut_at,
            bounded.until - span - length
            > greatest(coalesce(lower(bounded.period), earliest), earliest) as is_long
        from bounded
    ),

    rest as (
        insert into orchestrator.refresh_queue (
            model, tenant, period, reason, is_named, is_build, backlog, requested_at
        )
        select
            p_known.model, cut.tenant, tstzrange(lower(cut.period), cut.cut_at),
            'the rest', cut.is_named is not false, cut.is_build is true,
            coalesce(cut.backlog, 0) + 1, cut.requested_at
        from cut
        where cut.is_long
    )

    select array_agg(
        case
            when cut.is_long then (
                cut.tenant, tstzrange(cut.cut_at, upper(cut.period)), null,
                cut.is_named, true, cut.is_build, cut.backlog, cut.requested_at
            )::orchestrator.claimed_request
            else (
                cut.tenant, cut.period, cut.since, cut.is_named, cut.is_whole,
                cut.is_build, cut.backlog, cut.requested_at
            )::orchestrator.claimed_request
        end
    )
    into p_requests
    from cut;
    return p_requests;
end
$$;

-- Say that a tenant's first moment, or that of a changed row, is no real one.
create or replace function orchestrator.note_early_rows(
    p_known orchestrator.models,
    p_requests orchestrator.claimed_request [],
    p_earliest timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if p_earliest < {{ kpi_engine.earliest_instant() }} or exists (
        select from unnest(p_requests)
        where lower(period) < {{ kpi_engine.earliest_instant() }}
    ) then
        perform orchestrator.open_incident(p_known.model, 'data', format(
            'Rows that %s reads, or the first day of whom they belong to, are from '
            'before {{ kpi_engine.setting("earliest_date") }}: they count on no day.', p_known.model
        ));
    elsif p_earliest is not null then
        perform orchestrator.close_incident(
            p_known.model, 'data', p_known.model || ' reads no such rows any more.'
        );
    end if;
end
$$;

-- Pass the changed periods on to the models that read this one, remember how
-- far it is, and close the run, or leave it running where there is more to do.
create or replace function orchestrator.end_refresh(
    p_model text, p_result orchestrator.refresh_result default null
)
returns orchestrator.job_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    scope constant text := current_setting('orchestrator.scope');
    run_id constant bigint := current_setting('orchestrator.run')::bigint;
    computed_periods bigint := 0;
    changed_rows bigint := 0;
    changed_time tstzmultirange := '{}';
    whose text [];
    built text;
    is_left boolean := false;
    has_failed constant boolean := coalesce(p_result.has_failed, false);
    run orchestrator.job_runs;
begin
    if p_result.periods is not null then
        computed_periods := p_result.periods;
        select
            coalesce(sum(row_count), 0),
            coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}'),
            case
                when bool_and(tenant is not null)
                    and count(distinct tenant) <= 100
                    then array_agg(distinct tenant)
            end
        into changed_rows, changed_time, whose
        from unnest(p_result.changed);
    end if;

    if scope = 'everything' then
        changed_time := null;
        computed_periods := current_setting('orchestrator.periods')::bigint;
        execute format('delete from orchestrator.%I', 'periods_' || p_model);
        select relation into built
        from orchestrator.models
        where model = p_model;
        execute format('select count(*) from %s', built) into changed_rows;
        execute format('analyze %s', built);
        insert into orchestrator.refresh_queue (model, reason)
        select dependent.model, 'upstream ' || p_model
        from orchestrator.models as dependent
        where p_model = any(dependent.upstream);
    elsif changed_rows > 0 then
        -- A tenant means something to the models that have the same.
        insert into orchestrator.refresh_queue (model, tenant, period, reason)
        select passed.model, passed.tenant, bounded.period, 'upstream ' || p_model
        from (
            select
                dependent.model,
                case when dependent.tenant = this.tenant then changed.tenant end
                    as tenant,
                bool_or(changed.starts_at is null) as is_unbounded,
                range_agg(tstzrange(changed.starts_at, changed.ends_at))
                    as periods
            from unnest(p_result.changed) as changed
            inner join orchestrator.models as this on this.model = p_model
            inner join orchestrator.models as dependent
                on this.model = any(dependent.upstream)
            group by 1, 2
        ) as passed
        left join lateral unnest(passed.periods) as bounded (period)
            on not passed.is_unbounded;
    end if;

    if scope in ('requested', 'everything') then
        update orchestrator.models
        set refreshed_through = {{ kpi_engine.present() }}
        where model = p_model;
        is_left := scope = 'requested' and (
            current_setting('orchestrator.claimed_all', true) = 'false'
            or orchestrator.has_rest(p_model)
        );
        if current_setting('orchestrator.went_back', true) is distinct from 'yes'
        then
            perform orchestrator.close_incident(
                p_model, 'clock', p_model || ' is as of the server''s clock again.'
            );
        end if;
    end if;

    update orchestrator.job_runs
    set
        status = case
            when scope = 'locked' then 'skipped'
            when is_left then 'running'
            when has_failed then 'error'
            else 'success'
        end,
        reason = case scope
            when 'locked' then 'another refresh is running'
            else reason
        end,
        finished_at = case when not is_left then clock_timestamp() end,
        periods = coalesce(periods, 0) + computed_periods,
        rows_changed = coalesce(rows_changed, 0) + changed_rows,
        -- Null once everything has changed, and once nobody's alone.
        changed = case
            when changed is null and rows_changed > 0 then null
            else coalesce(changed, '{}') + changed_time
        end,
        changed_tenants = case
            when changed_rows = 0 then changed_tenants
            when rows_changed > 0 and changed_tenants is null then null
            when cardinality(changed_tenants || whose) <= 100
                then changed_tenants || whose
            when changed_tenants is null then whose
        end,
        error_message = nullif(
            concat_ws(' ', error_message, p_result.message), ''
        ),
        is_isolated = is_isolated or has_failed
    where id = run_id
    returning * into run;
    -- Observed while it was under way.
    delete from orchestrator.job_runs
    where
        job = p_model
        and status = 'running'
        and reason = 'observed'
        and backend_pid = pg_backend_pid()
        and id <> run_id;

    perform set_config('orchestrator.present', '', true);
    perform set_config('orchestrator.went_back', '', true);
    return run;
end
$$;

-- Whether a refresh has left something that it could not do in one transaction.
create or replace function orchestrator.has_rest(p_model text)
returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from orchestrator.refresh_queue as requests
        where
            requests.model = p_model
            and requests.backlog > 0
            and not exists (
                select from orchestrator.quarantine as held
                where
                    held.model = p_model
                    and held.tenant = requests.tenant
                    and orchestrator.is_held(held)
            )
    )
$$;

-- Whether someone has asked something of a summary table.
create or replace function orchestrator.is_requested(p_model text)
returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from orchestrator.refresh_queue where model = p_model
    ) or exists (
        select from orchestrator.quarantine where model = p_model
    )
$$;

-- Note a refresh that had nothing to do.
create or replace function orchestrator.note_refresh(
    p_model text, p_executor text, p_invocation text
)
returns orchestrator.job_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    run_id constant bigint :=
        orchestrator.open_run(p_model, p_executor, p_invocation);
    run orchestrator.job_runs;
begin
    update orchestrator.models
    set refreshed_through = greatest(refreshed_through, {{ kpi_engine.present() }})
    where model = p_model;

    update orchestrator.job_runs
    set
        status = 'success',
        reason = 'schedule',
        finished_at = clock_timestamp(),
        periods = 0,
        rows_changed = 0,
        changed = '{}'
    where id = run_id
    returning * into run;
    return run;
end
$$;

-- An error where the database has no function that refreshes a summary table.
create or replace function orchestrator.require_built(p_model text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regprocedure(format(
        'orchestrator.%I(orchestrator.claimed_request [])', 'claim_' || p_model
    )) is null then
        raise exception '% has not been built yet.', p_model
            using errcode = 'undefined_table',
            hint = format('Run: dbt build --select %s', p_model);
    end if;
end
$$;

-- Refresh a slice of a summary table in this transaction: of its open requests and
-- the periods that time has brought, what one transaction may compute. The run is
-- `running` where there is more to do. A failure is recorded, and leaves the
-- requests; one that some tenants alone cause is theirs, see compute_in_parts.
create or replace function orchestrator.refresh_slice(
    p_model text,
    p_executor text,
    p_invocation text,
    p_definition text default null,
    p_sample tstzrange default null,
    p_eager boolean default false
)
returns orchestrator.job_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    run orchestrator.job_runs;
    began constant timestamptz := clock_timestamp();
    known constant orchestrator.models := orchestrator.declared(p_model);
    requests orchestrator.claimed_request [];
    result orchestrator.refresh_result;
    pause text;
    by_parts boolean;
    failure text;
    code text;
begin
    perform orchestrator.require_built(p_model);
    pause := orchestrator.pause_of(p_model);
    if pause is not null and p_sample is null then
        return orchestrator.close_run(
            orchestrator.open_run(p_model, p_executor, p_invocation),
            'skipped', pause, null
        );
    end if;
    if p_sample is null then
        perform orchestrator.look_at_sources(p_model, p_repair => false);
    end if;
    if p_sample is null
        and known.next_rollover > {{ kpi_engine.present() }}
        and known.refreshed_through <= {{ kpi_engine.present() }}
        and known.lookback is null
        and not known.has_versions
        and (p_definition is null or p_definition = known.definition)
        and to_regclass(known.relation) is not null
        and not orchestrator.is_requested(p_model)
        and pg_try_advisory_xact_lock(
            hashtext('orchestrator'), hashtext(p_model)
        )
        -- Once more, now that nobody else may take them.
        and not orchestrator.is_requested(p_model)
    then
        return orchestrator.note_refresh(p_model, p_executor, p_invocation);
    end if;

    -- All at once; where that fails by some rows, or has before, in parts.
    foreach by_parts in array array[false, true] loop
        by_parts := by_parts or exists (
            select from orchestrator.quarantine where model = p_model
        );
        begin
            requests := orchestrator.begin_refresh(
                p_model,
                p_executor,
                case when p_sample is null then 'requested' else 'sample' end,
                p_definition => p_definition,
                p_invocation => p_invocation,
                p_sample => p_sample,
                p_eager => p_eager
            );
            result := null;
            if by_parts and requests is not null then
                result := orchestrator.compute_in_parts(known, requests, failure, code);
            elsif requests is not null then
                result := orchestrator.claim_and_compute(p_model, requests);
            end if;
            return orchestrator.end_refresh(p_model, result);
        exception
            when query_canceled or others then
                get stacked diagnostics
                    failure = message_text, code = returned_sqlstate;
        end;
        exit when by_parts or not orchestrator.may_be_of_rows(code);
    end loop;

    failure := orchestrator.plain_error(failure);
    run := orchestrator.fail_run(
        p_model, p_executor, p_invocation, failure, began
    );
    perform orchestrator.watch_hidden_rows();
    raise warning '% was not refreshed: %', p_model, failure;
    return run;
end
$$;

-- Refresh all of a summary table in this transaction, slice by slice.
create or replace function orchestrator.refresh(
    p_model text,
    p_executor text,
    p_invocation text default null,
    p_eager boolean default false
)
returns orchestrator.job_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    this_invocation constant text :=
        coalesce(p_invocation, gen_random_uuid()::text);
    run orchestrator.job_runs;
begin
    loop
        run := orchestrator.refresh_slice(
            p_model, p_executor, this_invocation, p_eager => p_eager
        );
        exit when run.status <> 'running';
    end loop;
    return run;
end
$$;

-- Note that a summary table was not refreshed, as one that it reads was not.
create or replace function orchestrator.not_refreshed(
    p_model text, p_invocation text, p_upstream orchestrator.job_runs
)
returns orchestrator.job_runs
language sql
set search_path = pg_catalog, pg_temp
as $$
    select orchestrator.close_run(
        orchestrator.open_run(p_model, 'database', p_invocation),
        p_upstream.status,
        case p_upstream.status
            when 'skipped' then p_upstream.job || case
                when p_upstream.reason like 'paused until%'
                    then ' is ' || p_upstream.reason
                else ' is being refreshed'
            end
        end,
        case p_upstream.status
            when 'error' then format(
                '%s, which it reads, was not refreshed: %s',
                p_upstream.job, p_upstream.error_message
            )
        end
    )
$$;

-- Refresh a summary table, first those it reads that have work to do. Its run is
-- `success` only where all of these are fresh: `error` where one of them failed,
-- `skipped` where one is being refreshed. With p_waits, that is waited for.
create or replace function orchestrator.refresh_by_name(
    p_model text, p_executor text, p_waits boolean default false
)
returns orchestrator.job_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    known constant orchestrator.models := orchestrator.declared(p_model);
    next_model text;
    run orchestrator.job_runs;
begin
    for next_model in
        select p_model where known.upstream = '{}'
        union all
        (
            select read.upstream
            from orchestrator.lineage as read
            where read.model = p_model and known.upstream <> '{}'
            order by read.depth, read.upstream
        )
    loop
        if next_model <> p_model
            and not orchestrator.stands_in_the_way(next_model)
        then
            continue;
        end if;
        if p_waits then
            perform pg_advisory_xact_lock(
                hashtext('orchestrator'), hashtext(next_model)
            );
        end if;
        run := orchestrator.refresh(next_model, p_executor, p_eager => true);
        exit when run.status <> 'success';
    end loop;
    if run.job <> p_model then
        return orchestrator.not_refreshed(
            p_model, gen_random_uuid()::text, run
        );
    end if;
    return run;
end
$$;

-- The same, waiting for other refreshes of them: when this returns, the table is
-- fresh. An error where it is not.
create or replace function orchestrator.refresh_now(
    p_model text, p_executor text default 'database'
)
returns orchestrator.job_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    run constant orchestrator.job_runs := orchestrator.refresh_by_name(
        p_model, p_executor, p_waits => true
    );
begin
    if run.status <> 'success' then
        raise exception '% was not refreshed: %',
            p_model, coalesce(run.error_message, run.reason);
    end if;
    return run;
end
$$;
{% endmacro %}
