with customer_cohorts as (
    select * from {{ ref('customer_cohorts') }}
),

customers as (
    select * from {{ ref('int_rental__customers') }}
),

calendar as (
    select * from {{ ref('int_rental__calendar') }}
),

models as (
    select *
    from orchestrator.models
    where model = 'customer_cohorts'
),

bookings as (
    select
        customers.cohort_month,
        customers.customer_id,
        (
            customers.cohort_month
            + active.months_since * interval '1 month'
        )::date as booked_month
    from customers
    cross join unnest(customers.active_months) as active (months_since)
),

cohorts as (
    select
        cohort_month,
        count(distinct customer_id) as new_customers,
        count(distinct customer_id) filter (where booked_month > cohort_month)
            as returning_customers
    from bookings
    group by 1
),

months as (
    select
        cohorts.*,
        series.month_number,
        (
            cohorts.cohort_month + series.month_number * interval '1 month'
        )::date as booked_month
    from cohorts
    cross join calendar
    cross join models
    cross join generate_series(0, 1200) as series (month_number)
    where
        cohorts.cohort_month + series.month_number * interval '1 month'
        <= models.refreshed_through at time zone calendar.timezone
),

shares as (
    select
        months.cohort_month,
        months.new_customers,
        months.returning_customers,
        months.month_number,
        round(100.0 * count(bookings.customer_id) / months.new_customers, 2)
            as percent_active
    from months
    left join bookings
        on
            months.cohort_month = bookings.cohort_month
            and months.booked_month = bookings.booked_month
    group by 1, 2, 3, 4
),

counted as (
    select
        cohort_month,
        returning_customers,
        round(100.0 * returning_customers / new_customers, 2) as retention_rate,
        jsonb_object_agg(month_number, percent_active) as retention_by_month
    from shares
    group by 1, 2, 3
),

different as (
    select
        customer_cohorts.cohort_month,
        to_jsonb(customer_cohorts) as summarized,
        to_jsonb(counted) as counted
    from customer_cohorts
    left join counted on customer_cohorts.cohort_month = counted.cohort_month
    where
        (
            customer_cohorts.returning_customers,
            customer_cohorts.retention_rate,
            customer_cohorts.retention_by_month
        ) is distinct from (
            counted.returning_customers,
            counted.retention_rate,
            counted.retention_by_month
        )
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'customer_cohorts',
    'null::uuid',
    'different.cohort_month',
    "(different.cohort_month + interval '1 month')::date - 1"
) }}
