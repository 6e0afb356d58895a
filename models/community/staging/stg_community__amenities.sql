select
    id as amenity_id,
    community_id,
    name,
    open_hours_per_day
from {{ source('community', 'amenities') }}
