select
    id as shop_id,
    tz as timezone,
    true as is_active,
    opened_at as started_at
from {{ source('shop', 'shops') }}
