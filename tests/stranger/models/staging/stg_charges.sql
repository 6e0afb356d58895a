select
    account_id,
    amount,
    created_at as charged_at
from {{ source('billing', 'charges') }}
