{# A refresh, whoever runs it: begin, compute, end, in one transaction. #}
{% macro runtime_refresh() %}
-- Take the model's lock and its requests into pg_temp.requests. p_scope is
-- 'requested' (the queue, and the periods that time has brought since the last
-- refresh; without the lock, nothing), 'everything' (for a table that is built
-- anew; waits for the lock) or 'nothing'. A changed p_definition makes
-- everything of 'requested'. False where another refresh has the lock.
create or replace function orchestrator.begin_refresh(
    p_model text,
    p_executor text,
    p_scope text,
    p_definition text default null,
    p_invocation text default null
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
    lock_key constant integer := hashtext(p_model);
    lock_class constant integer := hashtext('orchestrator');
    known orchestrator.models;
    run bigint;
    reasons text;
begin
    select max(id) into run
    from orchestrator.job_runs
    where job = p_model and status = 'running' and invocation = p_invocation;
    if run is null then
        insert into orchestrator.job_runs (job, executor)
        values (p_model, p_executor)
        returning id into run;
    end if;
    perform set_config('orchestrator.run', run::text, true);
    perform set_config('orchestrator.scope', p_scope, true);
    -- Compiling the query would take twenty times as long as running it.
    perform set_config('jit', 'off', true);

    create temporary table requests (
        tenant uuid, period tstzrange, since timestamptz
    ) on commit drop;
    create temporary table changed_periods (
        tenant uuid,
        starts_at timestamptz,
        ends_at timestamptz,
        row_count bigint
    ) on commit drop;

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

    if p_scope = 'nothing' then
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
        insert into pg_temp.requests (period, since)
        select tstzrange(known.refreshed_through, null), known.refreshed_through;
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
    built text;
    run orchestrator.job_runs;
begin
    if scope <> 'locked' then
        select count(*) into claimed_periods
        from pg_temp.claimed_periods
        where starts_at is not null;
        select coalesce(sum(row_count), 0) into changed_rows
        from pg_temp.changed_periods;
    end if;

    if scope = 'everything' then
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
        error_message = null
    where id = current_setting('orchestrator.run')::bigint
    returning * into run;

    drop table if exists
        pg_temp.requests, pg_temp.claimed_periods, pg_temp.changed_periods;
    return run;
end
$$;

-- Refresh a summary table here and now, as dbt would: its open requests and
-- the periods that time has brought. A failure is recorded, leaves the
-- requests, and comes back as a row and a warning.
create or replace function analytics.refresh(model text)
returns table (
    status text, periods integer, rows_changed integer, error_message text
)
language plpgsql
set search_path = ''
as $$
declare
    run orchestrator.job_runs;
    began constant timestamptz := clock_timestamp();
    failure text;
begin
    perform orchestrator.declared(model);
    if to_regprocedure(
        format('orchestrator.%I()', 'compute_' || model)
    ) is null then
        raise exception '% has not been built yet.', model
            using errcode = 'undefined_table',
            hint = format('Run: dbt build --select %s', model);
    end if;

    begin
        if orchestrator.begin_refresh(model, 'database', 'requested') then
            execute format('select orchestrator.%I()', 'compute_' || model);
        end if;
        run := orchestrator.end_refresh(model);
    exception when others then
        get stacked diagnostics failure = message_text;
        insert into orchestrator.job_runs (
            job, executor, started_at, finished_at, status, error_message
        )
        values (model, 'database', began, clock_timestamp(), 'error', failure)
        returning * into run;
        raise warning '% was not refreshed: %', model, failure;
    end;
    return query select
        run.status, run.periods, run.rows_changed, run.error_message;
end
$$;
revoke all on function analytics.refresh(text) from public;
{% endmacro %}
