-- The next notice to post, which is then this transaction's: none that another
-- is posting, and none of an incident of which an earlier one has yet to go out.
select id, payload
from orchestrator.notices as notices
where
    delivered_at is null
    and next_attempt_at <= clock_timestamp()
    and not exists (
        select from orchestrator.notices as earlier
        where
            earlier.incident_id = notices.incident_id
            and earlier.id < notices.id
            and earlier.delivered_at is null
    )
order by id
limit 1
for update of notices skip locked
