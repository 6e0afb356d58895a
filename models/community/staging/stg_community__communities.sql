select
    id as community_id,
    timezone,
    is_active,
    created_at
from {{ source('community', 'communities') }}
