select
    id as manual_payment_id,
    amount::numeric as amount,
    received_at
from {{ source('rental', 'manual_payments') }}
