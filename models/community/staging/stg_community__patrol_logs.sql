select
    id as patrol_log_id,
    community_id,
    status,
    scheduled_at
from {{ source('community', 'patrol_logs') }}
