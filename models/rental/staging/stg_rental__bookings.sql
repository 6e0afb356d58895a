select
    id as booking_id,
    customer_id,
    equipment_id,
    status,
    starts_on,
    ends_on,
    total_amount::numeric as total_amount,
    created_at,
    cancelled_at
from {{ source('rental', 'bookings') }}
