-- A summary table and those that read it, in the order to compute them in, and
-- whether they have the same tenants.
select
    readers.model,
    readers.tenant is not distinct from this.tenant as has_same_tenants
from orchestrator.lineage as path
inner join orchestrator.models as this on this.model = path.upstream
inner join orchestrator.models as readers on readers.model = path.model
inner join orchestrator.lineage as place
    on place.model = readers.model and place.upstream = readers.model
where path.upstream = %(model)s
order by place.depth, readers.model
