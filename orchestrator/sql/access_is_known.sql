-- Whether the database has the functions of this version that compare access.
select to_regprocedure('orchestrator.undeclared_differences()') is not null
