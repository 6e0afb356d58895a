-- Whether the database has the functions of this version that compare access.
select to_regprocedure('orchestrator.stray_differences()') is not null
