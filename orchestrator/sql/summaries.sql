-- How every summary table stands, by the database's own clock.
select
    model,
    relation,
    cadence,
    upstream,
    refreshed_through,
    last_due,
    next_due,
    is_due,
    waiting,
    waiting_since,
    last_status,
    last_run,
    last_duration,
    last_periods,
    last_rows_changed,
    last_error,
    array(
        select incidents.message
        from orchestrator.alert_incidents as incidents
        where
            incidents.model = model_status.model
            and incidents.closed_at is null
        order by incidents.opened_at
    ) as incidents,
    state,
    is_late,
    failures,
    is_published,
    severity,
    paused_until,
    pause_reason,
    clock_timestamp() as asked_at
from orchestrator.model_status
order by model
