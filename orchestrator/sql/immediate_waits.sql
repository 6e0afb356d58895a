-- Whether a change waits that is to be served immediately.
select exists (select from orchestrator.refresh_queue where immediate)
