{# What a person should hear of: runs that died, failures, staleness, drift. #}
{% macro runtime_watch() %}
-- Close the runs that say they are running and of which the process has died:
-- a refresh holds its lock until it ends.
create or replace function orchestrator.close_dead_runs()
returns void
language sql
set search_path = ''
as $$
    update orchestrator.job_runs
    set
        status = 'error',
        finished_at = clock_timestamp(),
        error_message = 'The process ended before the run did.'
    where
        status = 'running'
        -- A run that has just begun may not have its lock yet.
        and started_at < clock_timestamp() - interval '10 seconds'
        and not orchestrator.is_being_refreshed(job)
$$;

-- Open an incident and put its notice into the outbox; nothing where it is open.
create or replace function orchestrator.open_incident(
    p_model text, p_kind text, p_message text
)
returns void
language sql
set search_path = ''
as $$
    with opened as (
        insert into orchestrator.alert_incidents (model, kind, message)
        values (p_model, p_kind, p_message)
        on conflict (model, kind) where closed_at is null do nothing
        returning id
    )

    insert into orchestrator.notices (incident_id, event, payload)
    select id, 'opened', jsonb_build_object('text', p_message)
    from opened
$$;

-- Close an incident and put its notice into the outbox; nothing where none is
-- open.
create or replace function orchestrator.close_incident(
    p_model text, p_kind text, p_message text
)
returns void
language sql
set search_path = ''
as $$
    with closed as (
        update orchestrator.alert_incidents
        set closed_at = clock_timestamp()
        where model = p_model and kind = p_kind and closed_at is null
        returning id
    )

    insert into orchestrator.notices (incident_id, event, payload)
    select id, 'closed', jsonb_build_object('text', p_message)
    from closed
$$;

-- Look at how every summary table stands, and open and close incidents.
create or replace function orchestrator.watch()
returns void
language plpgsql
set search_path = ''
as $$
declare
    status record;
begin
    perform orchestrator.close_dead_runs();
    for status in
        select
            coalesce(seen.model, incident.model) as model,
            seen.failures,
            seen.last_error,
            seen.refreshed_through,
            seen.refreshed_through
            < {{ present() }} - 2 * (seen.next_due - seen.last_due) as is_stale
        from orchestrator.model_status as seen
        full join (
            select distinct model
            from orchestrator.alert_incidents
            where closed_at is null
        ) as incident on incident.model = seen.model
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
set search_path = ''
as $$
declare
    kept constant interval := '{{ var("history_retention") }}';
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
            end_time < now() - kept
            and database = current_database()
            and command like 'call orchestrator.%';
    end if;
end
$$;
{% endmacro %}
