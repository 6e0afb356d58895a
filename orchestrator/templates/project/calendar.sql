[% if tenants -%]
select
    [[ tenants.key.quoted ]] as [[ tenants.column ]],
    [[ tenants.timezone ]] as timezone,
    [[ tenants.is_active ]] as is_active,
    [[ tenants.started_at ]] as started_at
from {{ source('[[ source ]]', '[[ tenants.table.name ]]') }}[[ ' as tenants' if 'tenants.' in tenants.started_at ]]
[%- else -%]
select
    '[[ timezone ]]' as timezone,
    true as is_active,
    min([[ time.instant ]]) as started_at
from {{ source('[[ source ]]', '[[ table.name ]]') }}
[%- endif %]
