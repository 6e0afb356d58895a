-- Whether no other worker is bringing the project into the database now.
select pg_try_advisory_xact_lock(hashtextextended('orchestrator deploy', 0))
