-- End the pause of a summary table, or (null) every pause.
select orchestrator.resume(%(model)s)
