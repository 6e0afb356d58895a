with users as (
    select * from {{ ref('stg_rental__users') }}
)

select
    user_id as customer_id,
    '{{ var("rental_timezone") }}' as timezone,
    true as is_active,
    created_at as started_at
from users
