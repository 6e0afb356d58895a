-- An error in words that help where pg_cron is not in this database.
select orchestrator.require_cron()
