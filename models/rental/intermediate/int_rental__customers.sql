with periods as (
    select * from {{ kpi_engine.periods(
        ref('int_rental__customer_calendar')
    ) }} as periods
),

bookings as (
    select * from {{ ref('stg_rental__bookings') }}
),

card_payments as (
    select * from {{ ref('int_rental__card_payments') }}
),

final as (
    select
        periods.customer_id,
        booked.cohort_month,
        active.months as active_months,
        paid.lifetime_value,
        now() as computed_at
    from periods

    inner join lateral (
        select
            array_agg(distinct made.first_of_month) as months,
            min(made.first_of_month)::date as cohort_month
        from bookings
        inner join lateral (
            select
                date_trunc(
                    'month', bookings.created_at at time zone periods.timezone
                ) as first_of_month
        ) as made on true
        where
            bookings.customer_id = periods.customer_id
            and bookings.status <> 'cancelled'
    ) as booked on booked.cohort_month is not null

    inner join lateral (
        select
            array_agg(
                (
                    12 * extract(year from since.span)
                    + extract(month from since.span)
                )::integer
                order by since.span
            ) as months
        from unnest(booked.months) as first_of_month
        inner join lateral (
            select age(first_of_month, booked.cohort_month::timestamp) as span
        ) as since on true
    ) as active on true

    inner join lateral (
        select
            coalesce(
                sum(
                    case card_payments.kind
                        when 'refund' then -card_payments.amount
                        else card_payments.amount
                    end
                ),
                0
            ) as lifetime_value
        from card_payments
        where card_payments.customer_id = periods.customer_id
    ) as paid on true
)

select * from final
