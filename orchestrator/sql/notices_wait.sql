-- Whether there is a notice to post.
select exists (
    select from orchestrator.notices
    where delivered_at is null and next_attempt_at <= clock_timestamp()
)
