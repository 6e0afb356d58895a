-- Which of these models the database has not heard of.
select name
from unnest(%(names)s::text[]) as name
where name not in (select model from orchestrator.models)
