alter table restaurant.calls enable trigger orchestrator_capture_insert;
