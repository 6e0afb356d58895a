-- How many of its periods is each summary table old?
select
    model,
    extract(epoch from now() - refreshed_through)
    / extract(epoch from next_due - last_due) as periods
from orchestrator.model_status
where refreshed_through is not null
order by periods desc
limit 10
