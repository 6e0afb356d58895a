-- The moment at which the clock of this database stands.
select current_setting('orchestrator.now')::timestamptz
