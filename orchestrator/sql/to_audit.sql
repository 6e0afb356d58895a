-- The summary tables that no audit has looked at tonight. The maintenance window is the hour
-- after %(at)s UTC.
select model
from orchestrator.models
where
    refreshed_through is not null
    and clock_timestamp() < orchestrator.last_due(
        jsonb_build_object('every', 'day', 'at', %(at)s::text), clock_timestamp()
    ) + interval '1 hour'
    and not exists (
        select from orchestrator.job_runs
        where
            job = model
            and executor = 'audit'
            and started_at > clock_timestamp() - interval '12 hours'
    )
order by model
