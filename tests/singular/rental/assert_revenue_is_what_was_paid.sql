with revenue_trends as (
    select * from {{ ref('revenue_trends') }}
),

payments as (
    select * from {{ ref('stg_rental__payments') }}
    where status = 'succeeded'
),

booking_payments as (
    select * from {{ ref('stg_rental__booking_payments') }}
),

paid as (
    select
        paid_at,
        amount
    from payments
    union all
    select
        received_at as paid_at,
        amount
    from {{ ref('stg_rental__manual_payments') }}
),

paid_for as (
    select
        booking_payments.kind,
        payments.paid_at,
        payments.amount
    from booking_payments
    inner join payments on booking_payments.payment_id = payments.payment_id
    where booking_payments.kind in ('deposit', 'refund')
),

entries as (
    select
        paid_at,
        'paid' as entry,
        amount
    from paid
    union all
    select
        paid_at,
        kind as entry,
        amount
    from paid_for
),

by_day as (
    select
        (paid_at at time zone '{{ var("rental_timezone") }}')::date
            as bucket_date,
        sum(case entry when 'paid' then amount else 0 end) as paid,
        sum(case entry when 'deposit' then amount else 0 end) as deposits,
        sum(case entry when 'refund' then amount else 0 end) as refunds
    from entries
    group by 1
),

different as (
    select
        revenue_trends.bucket_date,
        to_jsonb(revenue_trends) as summarized,
        to_jsonb(by_day) as counted
    from revenue_trends
    left join by_day on revenue_trends.bucket_date = by_day.bucket_date
    where
        revenue_trends.deposits <> coalesce(by_day.deposits, 0)
        or revenue_trends.refunds <> coalesce(by_day.refunds, 0)
        or revenue_trends.gross_revenue
        <> coalesce(by_day.paid - by_day.refunds, 0)
        or revenue_trends.balance
        <> coalesce(by_day.paid - by_day.refunds - by_day.deposits, 0)
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'revenue_trends',
    'null::uuid',
    'different.bucket_date',
    'different.bucket_date'
) }}
