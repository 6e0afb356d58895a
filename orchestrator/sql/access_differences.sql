-- Where the database differs from what the models declare, and what repairs it.
select relation, problem, repair from orchestrator.schema_differences()
union all
select relation, problem, repair from orchestrator.table_differences()
union all
select relation, problem, repair from orchestrator.undeclared_differences()
union all
select relation, problem, repair from orchestrator.role_differences()
