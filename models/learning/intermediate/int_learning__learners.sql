with profiles as (
    select * from {{ ref('stg_learning__profiles') }}
)

select
    profiles.user_id,
    '{{ var("learning_timezone") }}' as timezone,
    true as is_active,
    profiles.created_at as started_at
from profiles
