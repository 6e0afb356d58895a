select
    id as store_id,
    timezone,
    true as is_active,
    created_at as started_at
from {{ source('shop', 'stores') }}
