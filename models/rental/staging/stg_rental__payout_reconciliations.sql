select
    id as payout_reconciliation_id,
    amount::numeric as amount,
    status,
    created_at,
    settled_at
from {{ source('rental', 'payout_reconciliations') }}
