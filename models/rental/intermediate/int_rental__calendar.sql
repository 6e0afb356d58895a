with users as (
    select * from {{ ref('stg_rental__users') }}
)

select
    '{{ var("rental_timezone") }}' as timezone,
    true as is_active,
    min(created_at) as started_at
from users
