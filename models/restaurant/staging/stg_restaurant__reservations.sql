select
    id as reservation_id,
    account_id,
    location_id,
    guest_count,
    avg_spend_per_head_override,
    created_at
from {{ source('restaurant', 'reservations') }}
