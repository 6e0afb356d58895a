-- Whether a build has left its tables, view and functions in this database.
select to_regclass('orchestrator.model_status') is not null
