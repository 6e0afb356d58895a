-- Close dead runs, open and close incidents.
select orchestrator.watch()
