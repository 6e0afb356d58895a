select
    id as order_id,
    shop_id,
    customer_id,
    total,
    ordered_at
from {{ source('shop', 'orders') }}
