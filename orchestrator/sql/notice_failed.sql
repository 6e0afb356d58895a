-- Note that a notice could not be posted: again after 10 s, 20 s, …, each hour.
update orchestrator.notices
set
    attempts = attempts + 1,
    next_attempt_at = clock_timestamp() + least(
        interval '10 seconds' * power(2, least(attempts, 10)), interval '1 hour'
    ),
    last_error = %(error)s
where id = %(id)s
