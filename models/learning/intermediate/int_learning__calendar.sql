with profiles as (
    select * from {{ ref('stg_learning__profiles') }}
)

select
    '{{ var("learning_timezone") }}' as timezone,
    true as is_active,
    min(profiles.created_at) as started_at
from profiles
