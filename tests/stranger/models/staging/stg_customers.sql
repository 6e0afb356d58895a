select
    id as customer_id,
    shop_id,
    joined_at
from {{ source('shop', 'customers') }}
