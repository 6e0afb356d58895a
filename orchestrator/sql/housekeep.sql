-- Forget old histories.
call orchestrator.housekeep()
