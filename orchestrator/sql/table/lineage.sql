-- The summary tables that one reads, and that read it, however far.
select
    lineage.upstream as model,
    true as is_upstream
from orchestrator.lineage
where lineage.model = %(model)s and lineage.upstream <> %(model)s
union all
select
    lineage.model,
    false
from orchestrator.lineage
where lineage.upstream = %(model)s and lineage.model <> %(model)s
order by 2 desc, 1
