select
    id as payment_schedule_id,
    booking_id,
    due_on,
    amount::numeric as amount,
    paid_at
from {{ source('rental', 'payment_schedules') }}
