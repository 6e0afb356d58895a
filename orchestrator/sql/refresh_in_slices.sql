-- Refresh one summary table after what it reads, in slices that commit.
call orchestrator.refresh_in_slices(%(model)s, %(invocation)s, %(waits)s)
