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
    reported_at,
    'incident_reported',
    category,
    null
from {{ ref('stg_community__incidents') }}
union all
select
    community_id,
    resolved_at,
    'incident_resolved',
    category,
    null
from {{ ref('stg_community__incidents') }}
union all
select
    community_id,
    scheduled_at,
    'checkpoint_' || status,
    null,
    null
from {{ ref('stg_community__patrol_logs') }}
union all
select
    community_id,
    posted_at,
    kind,
    null,
    amount::numeric
from {{ ref('stg_community__transactions') }}
where voided_at is null
union all
select
    community_id,
    created_at,
    'announcement_sent',
    null,
    null
from {{ ref('stg_community__announcements') }}
union all
select
    community_id,
    created_at,
    'message_sent',
    null,
    null
from {{ ref('stg_community__messages') }}
union all
select
    community_id,
    created_at,
    'reservation_made',
    null,
    null
from {{ ref('stg_community__reservations') }}
union all
select
    community_id,
    cancelled_at,
    'reservation_cancelled',
    null,
    null
from {{ ref('stg_community__reservations') }}
union all
select
    community_id,
    starts_at,
    'no_show',
    null,
    null
from {{ ref('stg_community__reservations') }}
where status = 'no_show'
union all
select
    community_id,
    received_at,
    'package_received',
    null,
    null
from {{ ref('stg_community__packages') }}
union all
select
    community_id,
    picked_up_at,
    'package_picked_up',
    null,
    null
from {{ ref('stg_community__packages') }}
union all
select
    community_id,
    created_at,
    'ticket_opened',
    null,
    null
from {{ ref('stg_community__tickets') }}
union all
select
    community_id,
    resolved_at,
    'ticket_closed',
    null,
    null
from {{ ref('stg_community__tickets') }}
