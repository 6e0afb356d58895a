select
    id as message_id,
    community_id,
    created_at
from {{ source('community', 'messages') }}
