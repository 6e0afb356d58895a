select
    id as downtime_event_id,
    asset_id,
    started_at,
    ended_at,
    reason_code,
    severity,
    description,
    resolved_at,
    resolved_by
from {{ source('plant', 'downtime_events') }}
