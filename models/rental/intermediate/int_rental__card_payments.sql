with payments as (
    select * from {{ ref('stg_rental__payments') }}
),

booking_payments as (
    select * from {{ ref('stg_rental__booking_payments') }}
)

-- Looked up for each payment: of a day's few, the planner would read all.
select
    payments.payment_id,
    payments.customer_id,
    payments.paid_at,
    payments.amount,
    coalesce(purposes.kind, 'balance') as kind
from payments
left join lateral (
    select booking_payments.kind
    from booking_payments
    where booking_payments.payment_id = payments.payment_id
    order by booking_payments.kind
    limit 1
) as purposes on true
where payments.status = 'succeeded'
