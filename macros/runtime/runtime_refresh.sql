{# A refresh, whoever runs it: begin, compute, end, in one transaction. #}
{% macro runtime_refresh() %}
-- The row of the run that begins: the one that its invocation has left, or new.
create or replace function orchestrator.open_run(
    p_model text,
    p_executor text,
    p_invocation text,
    p_began timestamptz default clock_timestamp()
)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
    run bigint;
begin
    select max(id) into run
    from orchestrator.job_runs
    where job = p_model and status = 'running' and invocation = p_invocation;
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
set search_path = ''
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
set search_path = ''
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

-- What a refresh works with: the requests that it takes, the periods it changes.
create or replace function orchestrator.create_work_tables()
returns void
language sql
set search_path = ''
as $$
    create temporary table requests (
        tenant uuid, period tstzrange, since timestamptz
    ) on commit drop;
    create temporary table changed_periods (
        tenant uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        row_count bigint
    ) on commit drop;
$$;

-- Take the model's lock and its requests into pg_temp.requests. p_scope is
-- 'requested' (the queue, and the periods that time has brought since the last
-- refresh; without the lock, nothing), 'everything' (for a table that is built
-- anew; waits for the lock), 'sample' (the periods of p_sample; takes no request
-- and notes nothing, so that the next refresh is as if it had not been) or
-- 'nothing'. A changed p_definition makes everything of 'requested'. False where
-- another refresh has the lock.
drop function if exists orchestrator.begin_refresh(text, text, text, text, text);
create or replace function orchestrator.begin_refresh(
    p_model text,
    p_executor text,
    p_scope text,
    p_definition text default null,
    p_invocation text default null,
    p_sample tstzrange default null
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
    lock_key constant integer := hashtext(p_model);
    lock_class constant integer := hashtext('orchestrator');
    known orchestrator.models;
    run constant bigint :=
        orchestrator.open_run(p_model, p_executor, p_invocation);
    reasons text;
begin
    perform set_config('orchestrator.run', run::text, true);
    perform set_config('orchestrator.scope', p_scope, true);
    -- Compiling the query would take twenty times as long as running it.
    perform set_config('jit', 'off', true);
    perform orchestrator.create_work_tables();

    if p_scope = 'everything' then
        perform pg_advisory_xact_lock(lock_class, lock_key);
    elsif not pg_try_advisory_xact_lock(lock_class, lock_key) then
        perform set_config('orchestrator.scope', 'locked', true);
        return false;
    end if;

    -- Whoever holds the lock is the only run: others that say so have died.
    update orchestrator.job_runs
    set
        status = 'error',
        finished_at = clock_timestamp(),
        error_message = 'The process ended before the run did.'
    where job = p_model and status = 'running' and id <> run
        and started_at < now();

    if p_scope in ('nothing', 'sample') then
        insert into pg_temp.requests (period)
        select p_sample where p_scope = 'sample';
        update orchestrator.job_runs set reason = p_scope where id = run;
        return true;
    end if;

    select * into known from orchestrator.models where model = p_model;

    with claimed as (
        delete from orchestrator.refresh_queue
        where model = p_model
        returning tenant, period, reason
    ),

    by_tenant as (
        select
            tenant,
            bool_or(period is null) as is_unbounded,
            range_agg(period) as periods,
            array_agg(distinct reason) as reasons
        from claimed
        group by tenant
    ),

    merged as (
        insert into pg_temp.requests (tenant, period)
        select by_tenant.tenant, bounded.period
        from by_tenant
        left join lateral unnest(by_tenant.periods) as bounded (period)
            on not by_tenant.is_unbounded
        where by_tenant.is_unbounded or bounded.period is not null
    )

    select string_agg(distinct split_part(reason, ' ', 1), ', ') into reasons
    from by_tenant, unnest(by_tenant.reasons) as reason;

    if p_scope = 'everything' or known.refreshed_through is null then
        reasons := 'build';
    elsif p_definition is distinct from known.definition
        and p_definition is not null then
        reasons := 'changed definition';
    end if;

    if reasons in ('build', 'changed definition') then
        delete from pg_temp.requests;
        insert into pg_temp.requests default values;
    else
        -- The clock asks nothing of anybody before the next turn.
        insert into pg_temp.requests (period, since)
        select tstzrange(known.refreshed_through, null), known.refreshed_through
        where (known.next_turn > {{ present() }}) is not true
            or known.lookback is not null;
        -- What a source without triggers has changed, nobody says.
        insert into pg_temp.requests (period)
        select tstzrange({{ present() }} - known.lookback, null)
        where known.lookback is not null;
    end if;

    update orchestrator.job_runs
    set reason = coalesce(reasons, 'schedule')
    where id = run;

    update orchestrator.models
    set definition = p_definition
    where model = p_model and definition is distinct from p_definition
        and p_definition is not null;

    return true;
end
$$;

-- Pass the changed periods on to the models that read this one, remember how
-- far it is, and close the run.
create or replace function orchestrator.end_refresh(p_model text)
returns orchestrator.job_runs
language plpgsql
set search_path = ''
as $$
declare
    scope constant text := current_setting('orchestrator.scope');
    claimed_periods bigint;
    changed_rows bigint;
    changed_time tstzmultirange := '{}';
    whose uuid [];
    built text;
    run orchestrator.job_runs;
begin
    if scope <> 'locked' then
        select count(*) into claimed_periods
        from pg_temp.claimed_periods
        where starts_at is not null;
        select
            coalesce(sum(row_count), 0),
            coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}'),
            case
                when bool_and(tenant is not null)
                    and count(distinct tenant) <= 100
                    then array_agg(distinct tenant)
            end
        into changed_rows, changed_time, whose
        from pg_temp.changed_periods;
    end if;

    if scope = 'everything' then
        changed_time := null;
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
            from pg_temp.changed_periods as changed
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
        set refreshed_through = greatest(refreshed_through, {{ present() }})
        where model = p_model;
    end if;

    update orchestrator.job_runs
    set
        status = case scope when 'locked' then 'skipped' else 'success' end,
        reason = case scope
            when 'locked' then 'another refresh is running'
            else reason
        end,
        finished_at = clock_timestamp(),
        periods = coalesce(claimed_periods, 0),
        rows_changed = coalesce(changed_rows, 0),
        changed = changed_time,
        changed_tenants = whose,
        error_message = null
    where id = current_setting('orchestrator.run')::bigint
    returning * into run;

    drop table if exists
        pg_temp.requests, pg_temp.claimed_periods, pg_temp.changed_periods;
    return run;
end
$$;

-- Whether somebody has asked something of a summary table.
create or replace function orchestrator.is_requested(p_model text)
returns boolean
language sql volatile
set search_path = ''
as $$
    select exists (
        select from orchestrator.refresh_queue where model = p_model
    )
$$;

-- Note a refresh that had nothing to do.
create or replace function orchestrator.note_refresh(
    p_model text, p_executor text, p_invocation text
)
returns orchestrator.job_runs
language plpgsql
set search_path = ''
as $$
declare
    run_id constant bigint :=
        orchestrator.open_run(p_model, p_executor, p_invocation);
    run orchestrator.job_runs;
begin
    update orchestrator.models
    set refreshed_through = greatest(refreshed_through, {{ present() }})
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

-- Refresh a summary table in this transaction, as dbt would: its open requests
-- and the periods that time has brought. A failure is recorded, and leaves the
-- requests.
create or replace function orchestrator.refresh(
    p_model text, p_executor text, p_invocation text default null
)
returns orchestrator.job_runs
language plpgsql
set search_path = ''
as $$
declare
    run orchestrator.job_runs;
    began constant timestamptz := clock_timestamp();
    known constant orchestrator.models := orchestrator.declared(p_model);
    failure text;
begin
    if to_regprocedure(
        format('orchestrator.%I()', 'compute_' || p_model)
    ) is null then
        raise exception '% has not been built yet.', p_model
            using errcode = 'undefined_table',
            hint = format('Run: dbt build --select %s', p_model);
    end if;

    if known.next_turn > {{ present() }}
        and known.lookback is null
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

    begin
        if orchestrator.begin_refresh(
            p_model, p_executor, 'requested', p_invocation => p_invocation
        ) then
            execute format('select orchestrator.%I()', 'compute_' || p_model);
        end if;
        return orchestrator.end_refresh(p_model);
    exception when others then
        get stacked diagnostics failure = message_text;
    end;

    run := orchestrator.fail_run(
        p_model, p_executor, p_invocation, failure, began
    );
    raise warning '% was not refreshed: %', p_model, failure;
    return run;
end
$$;

-- Refresh a summary table, first those it reads that have work to do. Its run is
-- `success` only where all of these are fresh: `error` where one of them failed,
-- `skipped` where one is being refreshed. With p_waits, that is waited for.
create or replace function orchestrator.refresh_by_name(
    p_model text, p_executor text, p_waits boolean default false
)
returns orchestrator.job_runs
language plpgsql
set search_path = ''
as $$
declare
    next_model text;
    run orchestrator.job_runs;
begin
    perform orchestrator.declared(p_model);
    for next_model in
        select read.upstream
        from orchestrator.lineage as read
        where read.model = p_model
        order by read.depth, read.upstream
    loop
        if next_model <> p_model and not orchestrator.has_work(next_model) then
            continue;
        end if;
        if p_waits then
            perform pg_advisory_xact_lock(
                hashtext('orchestrator'), hashtext(next_model)
            );
        end if;
        run := orchestrator.refresh(next_model, p_executor);
        exit when run.status <> 'success';
    end loop;
    if run.job <> p_model then
        return orchestrator.close_run(
            orchestrator.open_run(p_model, p_executor, null),
            run.status,
            case run.status
                when 'skipped' then next_model || ' is being refreshed'
            end,
            case run.status
                when 'error' then format(
                    '%s, which it reads, was not refreshed: %s',
                    next_model, run.error_message
                )
            end
        );
    end if;
    return run;
end
$$;

-- The same, waiting for whoever refreshes them: when this returns, the table is
-- fresh. An error where it is not.
create or replace function orchestrator.refresh_now(
    p_model text, p_executor text default 'database'
)
returns orchestrator.job_runs
language plpgsql
set search_path = ''
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
