with periods as (
    select * from {{ kpi_engine.periods(ref('int_rental__calendar')) }} as periods
),

receipts as (
    select * from {{ ref('int_rental__receipts') }}
),

card_payments as (
    select * from {{ ref('int_rental__card_payments') }}
),

final as (
    select
        periods.bucket_date,
        received.gross_revenue,
        received.deposits,
        received.balance,
        refunded.refunds,
        now() as computed_at
    from periods

    inner join lateral (
        select
            coalesce(sum(receipts.amount), 0) as gross_revenue,
            coalesce(
                sum(receipts.amount) filter (where receipts.kind = 'deposit'), 0
            ) as deposits,
            coalesce(
                sum(receipts.amount) filter (where receipts.kind <> 'deposit'),
                0
            ) as balance
        from receipts
        where {{ kpi_engine.in_period('receipts.received_at') }}
    ) as received on true

    inner join lateral (
        select coalesce(sum(card_payments.amount), 0) as refunds
        from card_payments
        where
            card_payments.kind = 'refund'
            and {{ kpi_engine.in_period('card_payments.paid_at') }}
    ) as refunded on true
)

select * from final
