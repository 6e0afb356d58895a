-- Which of these models are this transaction's to build, as claim_due says it: no
-- other worker is given them while it is open. Reads no table: a lock on one
-- would be in the way of a renewal of the runtime, and that of our own dbt.
select name
from unnest(%(names)s::text[]) with ordinality as taken (name, place)
where pg_try_advisory_xact_lock(hashtext('orchestrator worker'), hashtext(name))
order by place
