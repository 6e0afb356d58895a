-- Let a role see how the summary tables stand.
select orchestrator.grant_monitoring(%(role)s)
