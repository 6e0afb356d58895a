select
    id as order_id,
    account_id,
    location_id,
    total_amount,
    created_at
from {{ source('restaurant', 'orders') }}
