-- Where the database differs from what the models declare, and what mends it.
select relation, problem, repair from orchestrator.schema_differences()
union all
select relation, problem, repair from orchestrator.table_differences()
union all
select relation, problem, repair from orchestrator.stray_differences()
union all
select relation, problem, repair from orchestrator.role_differences()
