-- The requests of a summary table that wait, those of one kind together.
select
    reason,
    tenant,
    immediate,
    count(*) as requests,
    min(requested_at) as since,
    min(lower(period)) as starts_at,
    max(upper(period)) as ends_at
from orchestrator.refresh_queue
where model = %(model)s
group by reason, tenant, immediate
order by since
limit 50
