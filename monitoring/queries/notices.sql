-- Which notices has the webhook not taken?
select
    created_at,
    event,
    attempts,
    next_attempt_at,
    last_error,
    payload ->> 'text' as message
from orchestrator.notices
where delivered_at is null
order by created_at
