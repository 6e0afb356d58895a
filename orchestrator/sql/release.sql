-- Let go of a source table, and tell what of.
select * from orchestrator.release_source(%(table)s)
