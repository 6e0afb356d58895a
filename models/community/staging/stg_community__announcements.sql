select
    id as announcement_id,
    community_id,
    created_at
from {{ source('community', 'announcements') }}
