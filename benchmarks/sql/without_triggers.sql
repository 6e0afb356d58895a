alter table restaurant.calls disable trigger orchestrator_capture_insert;
