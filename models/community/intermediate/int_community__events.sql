select
    community_id,
    occurred_at,
    'entry_' || decision as event,
    entry_type as detail,
    null::numeric as amount
from {{ ref('stg_community__access_logs') }}
union all
select
    community_id,
    reported_at as occurred_at,
    'incident_reported' as event,
    category as detail,
    null as amount
from {{ ref('stg_community__incidents') }}
union all
select
    community_id,
    resolved_at as occurred_at,
    'incident_resolved' as event,
    category as detail,
    null as amount
from {{ ref('stg_community__incidents') }}
union all
select
    community_id,
    scheduled_at as occurred_at,
    'checkpoint_' || status as event,
    null as detail,
    null as amount
from {{ ref('stg_community__patrol_logs') }}
union all
select
    community_id,
    posted_at as occurred_at,
    kind as event,
    null as detail,
    amount::numeric as amount
from {{ ref('stg_community__transactions') }}
where voided_at is null
union all
select
    community_id,
    created_at as occurred_at,
    'announcement_sent' as event,
    null as detail,
    null as amount
from {{ ref('stg_community__announcements') }}
union all
select
    community_id,
    created_at as occurred_at,
    'message_sent' as event,
    null as detail,
    null as amount
from {{ ref('stg_community__messages') }}
union all
select
    community_id,
    created_at as occurred_at,
    'reservation_made' as event,
    null as detail,
    null as amount
from {{ ref('stg_community__reservations') }}
union all
select
    community_id,
    cancelled_at as occurred_at,
    'reservation_cancelled' as event,
    null as detail,
    null as amount
from {{ ref('stg_community__reservations') }}
union all
select
    community_id,
    starts_at as occurred_at,
    'no_show' as event,
    null as detail,
    null as amount
from {{ ref('stg_community__reservations') }}
where status = 'no_show'
union all
select
    community_id,
    received_at as occurred_at,
    'package_received' as event,
    null as detail,
    null as amount
from {{ ref('stg_community__packages') }}
union all
select
    community_id,
    picked_up_at as occurred_at,
    'package_picked_up' as event,
    null as detail,
    null as amount
from {{ ref('stg_community__packages') }}
union all
select
    community_id,
    created_at as occurred_at,
    'ticket_opened' as event,
    null as detail,
    null as amount
from {{ ref('stg_community__tickets') }}
union all
select
    community_id,
    resolved_at as occurred_at,
    'ticket_closed' as event,
    null as detail,
    null as amount
from {{ ref('stg_community__tickets') }}
