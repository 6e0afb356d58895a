-- Say that rows of a summary table are not what they should be.
select orchestrator.open_incident(%(model)s, 'drift', %(message)s)
