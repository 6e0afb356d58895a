-- The tenants of a summary table whose ids have these letters.
select {tenant}::text
from {calendar}
where {tenant}::text ilike %(pattern)s
order by 1
limit 12
