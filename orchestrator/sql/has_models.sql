-- A row where a build has declared its summary tables; a restore without data has none.
select true from orchestrator.models limit 1
