{%- set timezone = "'" ~ var('rental_timezone') ~ "'" -%}
with periods as (
    select * from {{ kpi_engine.periods(ref('int_rental__calendar')) }} as periods
),

receipts as (
    select * from {{ ref('int_rental__receipts') }}
),

payment_schedules as (
    select * from {{ ref('stg_rental__payment_schedules') }}
),

payout_reconciliations as (
    select * from {{ ref('stg_rental__payout_reconciliations') }}
),

financial_transactions as (
    select * from {{ ref('stg_rental__financial_transactions') }}
),

{{ outstanding_balance(timezone) }},

{{ kpi_engine.open_at_end(
    'pending',
    'payout_reconciliations',
    opened='payout_reconciliations.created_at',
    closed='payout_reconciliations.settled_at',
    still="payout_reconciliations.status = 'pending'",
    amount='payout_reconciliations.amount'
) }},

final as (
    select
        periods.snapshot_date,
        received.stripe_collections,
        received.manual_collections,
        owed.total as ar_balance,
        pending.total as payouts_pending,
        ledger.net_revenue,
        now() as computed_at
    from periods

    inner join lateral (
        select
            coalesce(
                sum(receipts.amount) filter (where receipts.channel = 'card'), 0
            ) as stripe_collections,
            coalesce(
                sum(receipts.amount) filter (where receipts.channel = 'manual'),
                0
            ) as manual_collections
        from receipts
        where {{ kpi_engine.in_period('receipts.received_at') }}
    ) as received on true

    inner join owed on periods.ends_at = owed.at

    inner join pending on periods.ends_at = pending.at

    -- Payouts only move money that has been earned.
    inner join lateral (
        select
            coalesce(
                sum(
                    case
                        when financial_transactions.kind = 'revenue'
                            then financial_transactions.amount
                        when financial_transactions.kind in ('refund', 'fee')
                            then -financial_transactions.amount
                    end
                ),
                0
            ) as net_revenue
        from financial_transactions
        where {{ kpi_engine.in_period('financial_transactions.occurred_at') }}
    ) as ledger on true
)

select * from final
