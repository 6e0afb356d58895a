{# What a person should hear of: runs that died, failures, staleness, drift. #}
{% macro runtime_watch() %}
-- Close the runs that say they are running and whose process has died: its session
-- is gone, or has let go of the lock that it was seen with.
create or replace function orchestrator.close_dead_runs(p_model text default null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    dead constant bigint [] := array(
        select runs.id
        from orchestrator.job_runs as runs
        where
            runs.status = 'running'
            and (runs.job = p_model or p_model is null)
            and runs.backend_pid is distinct from pg_backend_pid()
            and (
                not exists (
                    select from pg_stat_activity as sessions
                    where
                        sessions.pid = runs.backend_pid
                        and (sessions.backend_start > runs.started_at)
                        is not true
                )
                or (
                    runs.reason = 'observed'
                    and not exists (
                        select from orchestrator.refreshing
                        where
                            refreshing.model = runs.job
                            and refreshing.pid = runs.backend_pid
                    )
                )
            )
        -- One that another session is closing is left to it: two would deadlock.
        for update skip locked
    );
begin
    if dead = '{}' then
        return;
    end if;
    -- What was seen under way has ended well where its own run is there by now.
    delete from orchestrator.job_runs as runs
    where
        runs.id = any(dead)
        and runs.reason = 'observed'
        and exists (
            select from orchestrator.job_runs as own
            where
                own.job = runs.job
                and own.backend_pid = runs.backend_pid
                and own.finished_at >= runs.started_at
                and own.id <> runs.id
        );
    update orchestrator.job_runs
    set
        status = 'error',
        finished_at = clock_timestamp(),
        error_message = 'The process ended before the run did.'
    where id = any(dead) and status = 'running';
end
$$;

-- A refresh in a caller's own transaction shows its run when that ends. Note it
-- where it is seen under way, so that one that dies has left its row.
create or replace function orchestrator.observe_runs()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    noted bigint [];
begin
    with observed as (
        insert into orchestrator.job_runs (
            job, executor, reason, started_at, backend_pid
        )
        select
            refreshing.model, 'database', 'observed',
            coalesce(sessions.xact_start, clock_timestamp()), refreshing.pid
        from orchestrator.refreshing
        inner join pg_stat_activity as sessions on sessions.pid = refreshing.pid
        where not exists (
            select from orchestrator.job_runs as runs
            where runs.job = refreshing.model and runs.status = 'running'
        )
        returning id
    )

    select array_agg(id) into noted from observed;
    -- It may have ended between a look at the locks and one at the sessions.
    delete from orchestrator.job_runs as runs
    where
        runs.id = any(noted)
        and not exists (
            select from orchestrator.refreshing
            inner join pg_stat_activity as sessions
                on sessions.pid = refreshing.pid
            where
                refreshing.model = runs.job
                and refreshing.pid = runs.backend_pid
                and (sessions.xact_start = runs.started_at) is not false
        );
end
$$;

-- What helps with an incident of a kind.
create or replace function orchestrator.remedy(p_model text, p_kind text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case p_kind
        when 'drift' then format('orchestrator audit %s --all --repair', p_model)
        when 'quarantine' then 'select * from orchestrator.quarantine'
        when 'data' then 'orchestrator doctor'
        when 'hidden' then 'orchestrator doctor'
        when 'failing' then format('orchestrator refresh %s', p_model)
        when 'stuck' then
            'select pg_terminate_backend(pid) from orchestrator.refreshing '
            || format('where model = %L', p_model)
        else 'orchestrator status'
    end
$$;

-- Put what became of an incident into the outbox.
create or replace function orchestrator.put_notice(
    p_incident orchestrator.alert_incidents, p_event text, p_message text
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into orchestrator.notices (incident_id, event, payload)
    values (
        p_incident.id,
        p_event,
        jsonb_build_object(
            'text', p_message,
            'event', p_event,
            'table', p_incident.model,
            'kind', p_incident.kind,
            'severity', case
                when p_incident.kind in ('failing', 'stale', 'capture', 'hidden')
                    then 'critical'
                else 'warning'
            end,
            'since', p_incident.opened_at,
            'command', orchestrator.remedy(p_incident.model, p_incident.kind),
            'database', current_database(),
            'last_error', (
                select runs.error_message
                from orchestrator.job_runs as runs
                where runs.job = p_incident.model and runs.status = 'error'
                order by runs.started_at desc
                limit 1
            )
        )
    )
$$;

-- Open an incident and put its notice into the outbox; nothing where it is open.
create or replace function orchestrator.open_incident(
    p_model text, p_kind text, p_message text, p_subject text default ''
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    with opened as (
        insert into orchestrator.alert_incidents (model, kind, message, subject)
        values (p_model, p_kind, p_message, p_subject)
        on conflict (model, kind, subject) where closed_at is null do nothing
        returning *
    )

    select orchestrator.put_notice(opened, 'opened', p_message) from opened
$$;

-- Close an incident and put its notice into the outbox; nothing where none is
-- open.
create or replace function orchestrator.close_incident(
    p_model text, p_kind text, p_message text, p_subject text default ''
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    with closed as (
        update orchestrator.alert_incidents
        set closed_at = clock_timestamp()
        where
            model = p_model
            and kind = p_kind
            and subject = p_subject
            and closed_at is null
        returning *
    )

    select orchestrator.put_notice(closed, 'closed', p_message) from closed
$$;

-- What captures could not request is requested now: of the models that read the
-- source table, or, where not even that could be noted, of all.
create or replace function orchestrator.make_up_for_lost_captures()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    lost record;
    total bigint;
    known bigint;
begin
    for lost in
        with noted as (
            delete from orchestrator.lost_captures
            returning relation, reason
        )

        select
            noted.relation,
            count(*) as number,
            min(noted.reason) as reason
        from noted
        group by noted.relation
    loop
        insert into orchestrator.refresh_queue (model, reason)
        select model, 'capture lost'
        from orchestrator.models
        where lost.relation = any(sources);
        perform orchestrator.open_incident(lost.relation, 'capture', format(
            '%s changes of %s could not be captured (%s). All that reads it is '
            'computed again.',
            lost.number, lost.relation, lost.reason
        ));
    end loop;

    select case when is_called then last_value else 0 end into total
    from orchestrator.uncounted_captures;
    select coalesce(max(number), 0) into known
    from orchestrator.known_uncounted_captures;
    if total > known then
        delete from orchestrator.known_uncounted_captures;
        insert into orchestrator.known_uncounted_captures values (total);
        insert into orchestrator.refresh_queue (model, reason)
        select model, 'capture lost' from orchestrator.models;
        perform orchestrator.open_incident('all', 'capture', format(
            '%s changes could not be captured, nor noted of which source tables. '
            'Everything is computed again.', total - known
        ));
    end if;
    -- Said; what follows shows in the runs.
    update orchestrator.alert_incidents
    set closed_at = clock_timestamp()
    where
        kind = 'capture'
        and closed_at is null
        and opened_at < clock_timestamp() - interval '1 hour';
end
$$;

-- A session that holds a table's refresh lock and has sent nothing for so long: its client
-- hangs, or its host is gone and the server is yet to notice.
create or replace function orchestrator.watch_stuck_sessions(
    p_after interval default '1 minute'
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stuck record;
begin
    for stuck in
        select
            coalesce(seen.model, incident.model) as model,
            seen.pid,
            seen.client,
            seen.since
        from (
            select
                refreshing.model,
                refreshing.pid,
                coalesce(host(sessions.client_addr), 'the same host') as client,
                sessions.state_change as since
            from orchestrator.refreshing
            inner join pg_stat_activity as sessions on sessions.pid = refreshing.pid
            where
                sessions.state like 'idle in transaction%'
                and sessions.state_change < clock_timestamp() - p_after
        ) as seen
        full join (
            select model
            from orchestrator.alert_incidents
            where closed_at is null and kind = 'stuck'
        ) as incident on incident.model = seen.model
    loop
        if stuck.pid is null then
            perform orchestrator.close_incident(
                stuck.model, 'stuck', stuck.model || ' can be refreshed again.'
            );
        else
            perform orchestrator.open_incident(stuck.model, 'stuck', format(
                'A session of %s, process %s, keeps others from refreshing %s and has '
                'sent nothing since %s UTC.',
                stuck.client, stuck.pid, stuck.model,
                to_char(stuck.since at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
            ));
        end if;
    end loop;
end
$$;

-- Look at how every summary table stands, and open and close incidents.
create or replace function orchestrator.watch()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    status record;
begin
    perform orchestrator.close_dead_runs();
    perform orchestrator.observe_runs();
    perform orchestrator.make_up_for_lost_captures();
    perform orchestrator.look_at_sources();
    perform orchestrator.watch_hidden_rows();
    perform orchestrator.watch_stuck_sessions();
    for status in
        select
            coalesce(seen.model, incident.model) as model,
            seen.failures,
            seen.last_error,
            seen.refreshed_through,
            seen.refreshed_through
            < {{ kpi_engine.present() }} - 2 * (seen.next_due - seen.last_due) as is_stale
        from orchestrator.model_status as seen
        full join (
            select distinct model
            from orchestrator.alert_incidents
            where closed_at is null and kind in ('failing', 'stale')
        ) as incident on incident.model = seen.model
        -- One that is paused is as someone wants it to be.
        where seen.paused_until is null
    loop
        if status.failures > 3 then
            perform orchestrator.open_incident(status.model, 'failing', format(
                '%s has failed %s times in a row: %s',
                status.model, status.failures, status.last_error
            ));
        elsif status.failures is null or status.failures = 0 then
            perform orchestrator.close_incident(
                status.model, 'failing', status.model || ' no longer fails.'
            );
        end if;
        if status.is_stale then
            perform orchestrator.open_incident(status.model, 'stale', format(
                '%s was last refreshed on %s UTC, more than twice its period ago.',
                status.model,
                to_char(
                    status.refreshed_through at time zone 'UTC',
                    'YYYY-MM-DD HH24:MI'
                )
            ));
        else
            perform orchestrator.close_incident(
                status.model, 'stale', status.model || ' is fresh again.'
            );
        end if;
    end loop;
end
$$;

-- Forget the histories that nobody needs any more; the last run of each
-- kind of outcome of a model stays.
create or replace procedure orchestrator.housekeep()
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    kept constant interval := '{{ kpi_engine.setting("history_retention") }}';
begin
    delete from orchestrator.job_runs as runs
    where
        runs.started_at < now() - kept
        and runs.status <> 'running'
        and exists (
            select from orchestrator.job_runs as later
            where
                later.job = runs.job
                and later.status = runs.status
                and later.started_at > runs.started_at
        );
    delete from orchestrator.alert_incidents
    where closed_at < now() - kept;
    delete from orchestrator.backfills
    where finished_at < now() - kept;
    -- pg_cron's history is of our jobs alone to forget.
    if coalesce(has_schema_privilege(to_regnamespace('cron'), 'usage'), false)
        and to_regclass('cron.job_run_details') is not null then
        delete from cron.job_run_details
        where
            -- One that was cut short has no end, one that never began no start either.
            (
                coalesce(end_time, start_time) < now() - kept
                or coalesce(end_time, start_time) is null
                and runid < (
                    select max(runid) from cron.job_run_details
                    where end_time < now() - kept
                )
            )
            and database = current_database()
            and command like 'call orchestrator.%';
    end if;
end
$$;
{% endmacro %}
