select
    id as account_id,
    timezone
from {{ source('restaurant', 'accounts') }}
