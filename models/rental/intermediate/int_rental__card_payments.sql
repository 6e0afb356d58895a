with payments as (
    select * from {{ ref('stg_rental__payments') }}
),

booking_payments as (
    select * from {{ ref('stg_rental__booking_payments') }}
)

select
    payments.payment_id,
    payments.customer_id,
    payments.paid_at,
    payments.amount,
    coalesce(booking_payments.kind, 'balance') as kind
from payments
left join booking_payments
    on payments.payment_id = booking_payments.payment_id
where payments.status = 'succeeded'
