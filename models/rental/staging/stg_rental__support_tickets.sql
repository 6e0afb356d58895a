select
    id as support_ticket_id,
    customer_id,
    priority,
    status,
    created_at,
    first_response_at,
    resolved_at
from {{ source('rental', 'support_tickets') }}
