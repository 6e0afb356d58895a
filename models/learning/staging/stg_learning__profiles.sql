select
    user_id,
    created_at
from {{ source('learning', 'profiles') }}
