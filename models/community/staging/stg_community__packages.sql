select
    id as package_id,
    community_id,
    received_at,
    picked_up_at
from {{ source('community', 'packages') }}
