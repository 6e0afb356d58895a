{# What an operator looks at. #}
{% macro runtime_status() %}
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
    coalesce(models.refreshed_through < due.last_due, true) as is_due,
    coalesce(queue.waiting, 0) as waiting,
    queue.oldest as waiting_since,
    run.status as last_status,
    run.started_at as last_run,
    run.duration as last_duration,
    run.periods as last_periods,
    run.rows_changed as last_rows_changed,
    run.error_message as last_error
from orchestrator.models as models
cross join lateral (
    select
        orchestrator.last_due(models.cadence, {{ present() }}) as last_due,
        orchestrator.next_due(models.cadence, {{ present() }}) as next_due
) as due
left join lateral (
    select count(*) as waiting, min(requested_at) as oldest
    from orchestrator.refresh_queue as requests
    where requests.model = models.model
) as queue on true
left join lateral (
    select *
    from orchestrator.job_runs as runs
    where runs.job = models.model
    order by runs.started_at desc, runs.id desc
    limit 1
) as run on true;
{% endmacro %}
