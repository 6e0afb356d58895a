-- The published summary tables that are here.
select to_regclass(relation)::text
from orchestrator.models
where to_regclass(relation) is not null and is_published
order by 1
