with financial_summary as (
    select * from {{ ref('financial_summary') }}
),

debts as (
    select
        due_on,
        (paid_at at time zone '{{ var("rental_timezone") }}')::date as paid_on,
        amount
    from {{ ref('stg_rental__payment_schedules') }}
),

moves as (
    select
        due_on as moved_on,
        amount
    from debts
    union all
    select
        greatest(due_on, paid_on) as moved_on,
        -amount as amount
    from debts
    where paid_on is not null
    union all
    select
        snapshot_date as moved_on,
        0 as amount
    from financial_summary
),

added as (
    select distinct
        moved_on,
        sum(amount) over (order by moved_on) as ar_balance
    from moves
),

different as (
    select
        financial_summary.snapshot_date,
        financial_summary.ar_balance as summarized,
        added.ar_balance as counted
    from financial_summary
    inner join added on financial_summary.snapshot_date = added.moved_on
    where financial_summary.ar_balance <> added.ar_balance
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'financial_summary',
    'null::uuid',
    'different.snapshot_date',
    'different.snapshot_date'
) }}
