select
    id as incident_id,
    community_id,
    category,
    reported_at,
    resolved_at
from {{ source('community', 'incidents') }}
