-- Who the tenants of the source data are, and what the machines are called.
select
    id::text,
    name
from community.communities
union all
select
    id::text,
    name
from restaurant.accounts
union all
select
    id::text,
    name
from plant.assets
