with calendar as (
    select * from {{ ref('int_rental__calendar') }}
),

customers as (
    select * from {{ ref('int_rental__customers') }}
),

first_cohorts as (
    select
        calendar.*,
        (
            select min(customers.cohort_month)::timestamp from customers
        ) as cohort_month
    from calendar
)

select
    timezone,
    is_active,
    {{ kpi_engine.local_instant('cohort_month', 'timezone') }} as started_at
from first_cohorts
