select
    'Europe/Paris' as timezone,
    true as is_active,
    min(seen_at) as started_at
from {{ source('web', 'visits') }}
