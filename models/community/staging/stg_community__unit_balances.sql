select
    unit_id,
    as_of_date,
    balance,
    oldest_due_date
from {{ source('community', 'unit_balances') }}
