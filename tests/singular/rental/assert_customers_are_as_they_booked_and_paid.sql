with customers as (
    select * from {{ ref('int_rental__customers') }}
),

calendar as (
    select * from {{ ref('int_rental__customer_calendar') }}
),

bookings as (
    select * from {{ ref('stg_rental__bookings') }}
),

payments as (
    select * from {{ ref('stg_rental__payments') }}
),

booking_payments as (
    select * from {{ ref('stg_rental__booking_payments') }}
),

months as (
    select distinct
        bookings.customer_id,
        extract(
            year from bookings.created_at at time zone calendar.timezone
        )::integer * 12
        + extract(
            month from bookings.created_at at time zone calendar.timezone
        )::integer - 1 as month_number
    from bookings
    inner join calendar on bookings.customer_id = calendar.customer_id
    where bookings.status in ('pending', 'confirmed', 'active', 'completed')
),

firsts as (
    select
        customer_id,
        month_number,
        min(month_number) over (partition by customer_id) as first_number
    from months
),

active as (
    select
        customer_id,
        make_date(first_number / 12, first_number % 12 + 1, 1) as cohort_month,
        array_agg(month_number - first_number order by month_number)
            as active_months
    from firsts
    group by
        customer_id,
        first_number
),

paid as (
    select
        payments.customer_id,
        sum(payments.amount) filter (
            where booking_payments.kind is distinct from 'refund'
        ) as received,
        sum(payments.amount) filter (
            where booking_payments.kind = 'refund'
        ) as refunded
    from payments
    left join booking_payments
        on payments.payment_id = booking_payments.payment_id
    where payments.status = 'succeeded'
    group by payments.customer_id
),

counted as (
    select
        active.*,
        coalesce(paid.received, 0) - coalesce(paid.refunded, 0)
            as lifetime_value
    from active
    left join paid on active.customer_id = paid.customer_id
),

different as (
    select
        coalesce(customers.customer_id, counted.customer_id) as customer_id,
        to_jsonb(customers) as summarized,
        to_jsonb(counted) as counted
    from customers
    full join counted on customers.customer_id = counted.customer_id
    where
        (
            customers.cohort_month,
            customers.active_months,
            customers.lifetime_value
        ) is distinct from (
            counted.cohort_month,
            counted.active_months,
            counted.lifetime_value
        )
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'int_rental__customers',
    'different.customer_id',
    'null::date',
    'null::date'
) }}
