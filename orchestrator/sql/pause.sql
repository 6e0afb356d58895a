-- Leave a summary table (null: every one) as it is, until a moment or for a length.
select orchestrator.pause(
    %(model)s,
    coalesce(%(until)s::timestamptz, clock_timestamp() + %(length)s::interval),
    %(reason)s
)
