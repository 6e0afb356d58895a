select
    id as sale_id,
    store_id,
    amount,
    sold_at
from {{ source('shop', 'sales') }}
