-- The last incidents of a summary table, those that are open first.
select
    kind,
    message,
    opened_at,
    closed_at
from orchestrator.alert_incidents
where model = %(model)s
order by closed_at is null desc, opened_at desc
limit 20
