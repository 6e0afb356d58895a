{# What there is to do, in which order, and its doing without Python. #}
{% macro runtime_schedule() %}
-- What each summary table reads, through however many others, itself included.
-- `depth` is how far the one that is read lies from the sources: whatever is
-- refreshed in its order is refreshed after what it reads.
create or replace view orchestrator.lineage as
with recursive paths as (
    select model, model as upstream, 0 as distance
    from orchestrator.models
    union
    select paths.model, direct.upstream, paths.distance + 1
    from paths
    inner join orchestrator.models as models on models.model = paths.upstream
    cross join unnest(models.upstream) as direct (upstream)
),

depths as (
    select model, max(distance) as depth
    from paths
    group by model
)

select distinct paths.model, paths.upstream, depths.depth
from paths
inner join depths on depths.model = paths.upstream;

-- Who is refreshing which summary table at this moment: a refresh holds its model's
-- lock until it ends.
create or replace view orchestrator.refreshing as
select
    models.model,
    locks.pid
from orchestrator.models as models
inner join pg_locks as locks
    on
        locks.locktype = 'advisory'
        and locks.classid::bigint = hashtext('orchestrator')::bigint & 4294967295
        and locks.objid::bigint = hashtext(models.model)::bigint & 4294967295
        and locks.objsubid = 2
        and locks.granted
where
    locks.database = (
        select oid from pg_database where datname = current_database()
    );

-- Whether any session is.
create or replace function orchestrator.is_being_refreshed(p_model text)
returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from orchestrator.refreshing where model = p_model
    )
$$;

-- Whether a summary table is due or has requests waiting (p_eager; else: that are
-- at once), as of this statement.
create or replace function orchestrator.has_work(
    p_model text, p_eager boolean default true
)
returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from orchestrator.model_status
        where
            model = p_model
            and paused_until is null
            and (is_due or immediate > 0 or (p_eager and waiting > 0))
    )
$$;

-- Whether what reads a summary table would be computed from what is not fresh, were it
-- not refreshed before.
create or replace function orchestrator.stands_in_the_way(p_model text)
returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select
        orchestrator.has_work(p_model)
        or (
            orchestrator.pause_of(p_model) is not null
            and orchestrator.is_requested(p_model)
        )
$$;

-- What a worker is to build now, in the order to build it in: what is due or asked
-- for at once, did not fail just before, and has had its share of the time. p_eager: also
-- what waits for its cadence, has just failed, or rests. While this transaction is
-- open no other worker is given the same, nor what reads it.
create or replace function orchestrator.claim_due(p_eager boolean default false)
returns setof text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    candidate record;
    busy text [] := '{}';
begin
    for candidate in
        select
            status.model,
            array_agg(read.upstream) as reads,
            max(read.depth) as depth
        from orchestrator.model_status as status
        inner join orchestrator.lineage as read on read.model = status.model
        where
            (
                status.is_due
                or status.immediate > 0
                or (p_eager and status.waiting > 0)
            )
            and (p_eager or status.retry_at <= clock_timestamp())
            is not false
            and (p_eager or status.rests_until <= clock_timestamp()) is not false
            and status.paused_until is null
        group by status.model
        order by depth, status.model
    loop
        if candidate.reads && busy
            or orchestrator.is_being_refreshed(candidate.model)
            or not pg_try_advisory_xact_lock(
                hashtext('orchestrator worker'), hashtext(candidate.model)
            )
        then
            busy := busy || candidate.model;
        -- Another may have done it since the first look.
        elsif orchestrator.has_work(candidate.model, p_eager) then
            return next candidate.model;
        end if;
    end loop;
end
$$;

-- Refresh these summary tables and those they read, what has work to do of
-- them, each in a transaction of its own, and look at how all stand. Ends with
-- an error where one failed, after the others have been refreshed.
create or replace procedure orchestrator.refresh_each(p_models text [])
language plpgsql
as $$
-- A procedure that commits can have no search_path of its own, so types are named
-- with their schema.
declare
    next_model pg_catalog.text;
    run orchestrator.job_runs;
    this_run pg_catalog.text;
    failures pg_catalog.text;
begin
    for next_model in
        select distinct on (read.depth, read.upstream) read.upstream
        from orchestrator.lineage as read
        where read.model = any(p_models)
        order by read.depth, read.upstream
    loop
        continue when orchestrator.is_being_refreshed(next_model)
            or not orchestrator.has_work(next_model);
        -- Committed at once, so that a run that dies has left its row.
        this_run := gen_random_uuid()::pg_catalog.text;
        insert into orchestrator.job_runs (job, executor, invocation)
        values (next_model, 'pg_cron', this_run);
        commit;
        loop
            run := orchestrator.refresh_slice(next_model, 'pg_cron', this_run);
            commit;
            exit when run.status <> 'running';
        end loop;
        if run.status = 'error' then
            failures := concat_ws(' ', failures, format(
                '%s was not refreshed: %s', next_model, run.error_message
            ));
        end if;
    end loop;
    perform orchestrator.watch();
    if failures is not null then
        commit;
        raise exception '%', failures;
    end if;
end
$$;

-- Refresh one summary table by name, after what it reads, slice by slice, each in a
-- transaction of its own. What another session is refreshing is waited for with
-- p_waits; else its run is `skipped`. How it went, the run of p_invocation says.
create or replace procedure orchestrator.refresh_in_slices(
    p_model text, p_invocation text, p_waits boolean default false
)
language plpgsql
as $$
declare
    next_model pg_catalog.text;
    this_run pg_catalog.text;
    run orchestrator.job_runs;
begin
    for next_model in
        select read.upstream
        from orchestrator.lineage as read
        where read.model = p_model
        order by read.depth, read.upstream
    loop
        continue when next_model <> p_model
            and not orchestrator.stands_in_the_way(next_model);
        perform orchestrator.require_built(next_model);
        this_run := case
            when next_model = p_model then p_invocation
            else gen_random_uuid()::pg_catalog.text
        end;
        insert into orchestrator.job_runs (job, executor, invocation)
        values (next_model, 'database', this_run);
        commit;
        loop
            if p_waits then
                perform pg_advisory_xact_lock(
                    hashtext('orchestrator'), hashtext(next_model)
                );
            end if;
            run := orchestrator.refresh_slice(
                next_model, 'database', this_run, p_eager => true
            );
            commit;
            exit when run.status <> 'running';
        end loop;
        exit when run.status <> 'success';
    end loop;
    if run.job <> p_model then
        perform orchestrator.not_refreshed(p_model, p_invocation, run);
    end if;
end
$$;

-- A job of pg_cron: refresh what is due of its summary tables.
create or replace procedure orchestrator.run_job(p_job text)
language plpgsql
as $$
declare
    models constant pg_catalog.text [] := array(
        select model from orchestrator.models where p_job = any(jobs)
    );
begin
    if models = '{}' then
        raise exception 'There is no job "%".', p_job
            using errcode = 'undefined_object', hint = (
                select 'There are: ' || string_agg(distinct job, ', ')
                from orchestrator.models, unnest(jobs) as job
            );
    end if;
    call orchestrator.refresh_each(models);
end
$$;

-- The job of every minute: what was asked for at once, and a look at how all
-- stand.
create or replace procedure orchestrator.pulse()
language plpgsql
as $$
declare
    models constant pg_catalog.text [] := array(
        select model from orchestrator.model_status where immediate > 0
    );
begin
    call orchestrator.refresh_each(models);
end
$$;
{% endmacro %}
