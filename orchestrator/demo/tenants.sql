-- Who the tenants of the source data are.
select
    id::text,
    name
from community.communities
union all
select
    id::text,
    name
from restaurant.accounts
