select
    paid_at as received_at,
    'card' as channel,
    kind,
    amount
from {{ ref('int_rental__card_payments') }}
where kind <> 'refund'
union all
select
    received_at,
    'manual' as channel,
    'balance' as kind,
    amount
from {{ ref('stg_rental__manual_payments') }}
