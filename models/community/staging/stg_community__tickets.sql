select
    id as ticket_id,
    community_id,
    created_at,
    resolved_at
from {{ source('community', 'tickets') }}
