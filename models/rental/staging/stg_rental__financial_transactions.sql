select
    id as financial_transaction_id,
    kind,
    amount::numeric as amount,
    occurred_at
from {{ source('rental', 'financial_transactions') }}
