with communities as (
    select * from {{ ref('stg_community__communities') }}
)

select
    communities.community_id,
    communities.timezone,
    communities.is_active,
    communities.created_at as started_at
from communities
