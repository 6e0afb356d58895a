select
    account_id,
    location_id,
    started_at as occurred_at,
    'call' as activity,
    call_type,
    status as call_status,
    null::numeric as order_amount,
    null::integer as guest_count,
    null::numeric as spend_per_head
from {{ ref('stg_restaurant__calls') }}
union all
select
    account_id,
    location_id,
    created_at as occurred_at,
    'order' as activity,
    null as call_type,
    null as call_status,
    total_amount::numeric as order_amount,
    null as guest_count,
    null as spend_per_head
from {{ ref('stg_restaurant__orders') }}
union all
select
    account_id,
    location_id,
    created_at as occurred_at,
    'reservation' as activity,
    null as call_type,
    null as call_status,
    null as order_amount,
    guest_count,
    avg_spend_per_head_override::numeric as spend_per_head
from {{ ref('stg_restaurant__reservations') }}
