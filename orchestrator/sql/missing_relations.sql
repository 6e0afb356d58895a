-- Which of these relations the database does not have.
select relation
from unnest(%(relations)s::text[]) as relation
where to_regclass(relation) is null
