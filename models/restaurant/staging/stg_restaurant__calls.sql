select
    id as call_id,
    account_id,
    location_id,
    call_type,
    status,
    started_at
from {{ source('restaurant', 'calls') }}
