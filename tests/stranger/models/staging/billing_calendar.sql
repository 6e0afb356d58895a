select
    id as account_id,
    'UTC' as timezone,
    true as is_active,
    created_at as started_at
from {{ source('billing', 'accounts') }}
