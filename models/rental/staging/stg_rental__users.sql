select
    id as user_id,
    created_at
from {{ source('rental', 'users') }}
