{# What an operator looks at. #}
{% macro runtime_status() %}
{%- set share = kpi_engine.setting('duty_cycle') -%}
{%- if share is not number or not 0 < share <= 1 -%}
    {%- do exceptions.raise_compiler_error(
        "The var duty_cycle is " ~ share ~ ": it must be a share of the time, above 0 and"
        ~ " at most 1. Correct it in dbt_project.yml."
    ) -%}
{%- endif -%}
-- Whether a summary table has missed a whole period of its cadence.
create or replace function orchestrator.is_late(
    p_cadence jsonb, p_refreshed_through timestamptz
)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select p_refreshed_through < orchestrator.last_due(
        p_cadence,
        orchestrator.last_due(p_cadence, {{ kpi_engine.present() }})
        - interval '1 microsecond'
    )
$$;

create or replace view orchestrator.model_status as
select
    models.model,
    models.relation,
    models.cadence,
    models.upstream,
    models.sources,
    models.refreshed_through,
    due.last_due,
    due.next_due,
    -- A watermark that lies in the future is a clock's that was ahead.
    pause.until is null and coalesce(
        models.refreshed_through < due.last_due
        or models.refreshed_through > {{ kpi_engine.present() }} + interval '1 minute',
        true
    ) as is_due,
    coalesce(queue.waiting, 0) as waiting,
    queue.oldest as waiting_since,
    run.status as last_status,
    run.started_at as last_run,
    run.duration as last_duration,
    run.periods as last_periods,
    run.rows_changed as last_rows_changed,
    run.error_message as last_error,
    case
        when pause.until is null then coalesce(queue.immediate, 0) + held.to_retry
        else 0
    end as immediate,
    models.is_published,
    failed.failures,
    -- Retried with backoff, after 5 s, 10 s, 20 s, …, each 5 minutes; but what has
    -- been requested since may be of tenants that do not fail.
    failed.last_failure + case
        when queue.newest > failed.last_failure then interval '5 seconds'
        else least(
            interval '5 seconds' * power(2, least(failed.failures, 10) - 1),
            interval '5 minutes'
        )
    end as retry_at,
    coalesce(late.is_late, false) as is_late,
    -- What waits for its cadence is as fresh as was promised.
    stands.state,
    held.quarantined,
    -- The higher, the sooner someone should look; from 4 on it is trouble.
    array_position(
        array['fresh', 'due', 'paused', 'late', 'not built', 'failing'], stands.state
    ) as severity,
    pause.until as paused_until,
    pause.reason as pause_reason,
    -- Not where a long request is under way, which ends.
    case when coalesce(queue.backlogs, 0) = 0 then duty.rests_until end as rests_until
from orchestrator.models as models
cross join lateral (
    select
        orchestrator.last_due(models.cadence, {{ kpi_engine.present() }}) as last_due,
        orchestrator.next_due(models.cadence, {{ kpi_engine.present() }}) as next_due
) as due
cross join lateral (
    select
        orchestrator.is_late(models.cadence, models.refreshed_through) as is_late
) as late
left join lateral (
    select
        count(*) as waiting,
        -- The rest of a long request, too: its refresh has begun.
        count(*) filter (
            where
                (requests.immediate or requests.backlog > 0)
                and not exists (
                    select from orchestrator.quarantine as apart
                    where
                        apart.model = models.model
                        and apart.tenant = requests.tenant
                        and orchestrator.is_held(apart)
                )
        ) as immediate,
        count(*) filter (where requests.backlog > 0) as backlogs,
        min(requests.requested_at) as oldest,
        max(requests.requested_at) as newest
    from orchestrator.refresh_queue as requests
    where requests.model = models.model
) as queue on true
cross join lateral (
    select
        count(*) as quarantined,
        count(*) filter (where not orchestrator.is_held(apart)) as to_retry
    from orchestrator.quarantine as apart
    where apart.model = models.model
) as held
left join lateral (
    select *
    from orchestrator.job_runs as runs
    where runs.job = models.model
    order by runs.started_at desc, runs.id desc
    limit 1
) as run on true
cross join lateral (
    select count(*) as failures, max(runs.finished_at) as last_failure
    from orchestrator.job_runs as runs
    where
        runs.job = models.model
        and runs.status = 'error'
        and not runs.is_isolated
        and runs.started_at > coalesce(
            (
                select succeeded.started_at
                from orchestrator.job_runs as succeeded
                where
                    succeeded.job = models.model
                    and succeeded.status = 'success'
                order by succeeded.started_at desc
                limit 1
            ),
            '-infinity'
        )
) as failed
left join lateral (
    select
        max(pauses.until) as until,
        string_agg(pauses.reason, '; ' order by pauses.until) as reason
    from orchestrator.pauses
    where
        pauses.model in (models.model, '*')
        and pauses.until > {{ kpi_engine.present() }}
) as pause on true
-- What is costly every time, so that one long refresh among short ones is none.
left join lateral (
    select
        max(recent.finished_at)
        + min(recent.duration) * ({{ 1 / share - 1 }})
        as rests_until
    from (
        select runs.finished_at, runs.duration
        from orchestrator.job_runs as runs
        where runs.job = models.model and runs.status = 'success'
        order by runs.started_at desc
        limit 3
    ) as recent
    having count(*) = 3
) as duty on true
cross join lateral (
    select
        case
            when models.refreshed_through is null then 'not built'
            when pause.until is not null then 'paused'
            when failed.failures > 0 then 'failing'
            when late.is_late then 'late'
            when models.refreshed_through < due.last_due or queue.immediate > 0
                then 'due'
            else 'fresh'
        end as state
) as stands;
{% endmacro %}
