select
    id as reservation_id,
    community_id,
    amenity_id,
    status,
    created_at,
    starts_at,
    ends_at,
    cancelled_at
from {{ source('community', 'reservations') }}
