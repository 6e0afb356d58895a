with financial_summary as (
    select * from {{ ref('financial_summary') }}
),

payouts as (
    select
        (created_at at time zone '{{ var("rental_timezone") }}')::date
            as sent_on,
        (settled_at at time zone '{{ var("rental_timezone") }}')::date
            as settled_on,
        amount
    from {{ ref('stg_rental__payout_reconciliations') }}
    where settled_at is not null or status = 'pending'
),

moves as (
    select
        sent_on as moved_on,
        amount
    from payouts
    union all
    select
        greatest(sent_on, settled_on) as moved_on,
        -amount as amount
    from payouts
    where settled_on is not null
    union all
    select
        snapshot_date as moved_on,
        0 as amount
    from financial_summary
),

added as (
    select distinct
        moved_on,
        sum(amount) over (order by moved_on) as payouts_pending
    from moves
),

different as (
    select
        financial_summary.snapshot_date,
        financial_summary.payouts_pending as summarized,
        added.payouts_pending as counted
    from financial_summary
    inner join added on financial_summary.snapshot_date = added.moved_on
    where financial_summary.payouts_pending <> added.payouts_pending
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'financial_summary',
    'null::uuid',
    'different.snapshot_date',
    'different.snapshot_date'
) }}
