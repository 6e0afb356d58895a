select
    id as transaction_id,
    community_id,
    kind,
    amount,
    posted_at,
    voided_at
from {{ source('community', 'transactions') }}
