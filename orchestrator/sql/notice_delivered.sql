-- Note that a notice was posted.
update orchestrator.notices
set delivered_at = clock_timestamp(), attempts = attempts + 1, last_error = null
where id = %(id)s
