select
    id as payment_id,
    customer_id,
    amount::numeric as amount,
    status,
    paid_at
from {{ source('rental', 'payments') }}
