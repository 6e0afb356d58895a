select
    payment_id,
    kind
from {{ source('rental', 'booking_payments') }}
