select
    id as location_id,
    account_id
from {{ source('restaurant', 'locations') }}
