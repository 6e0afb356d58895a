select
    id as access_log_id,
    community_id,
    visitor_id,
    entry_type,
    decision,
    occurred_at
from {{ source('community', 'access_logs') }}
