with periods as (
    select
        *,
        snapshot_date - 29 as first_date
    from {{ kpi_engine.periods(ref('int_rental__equipment_calendar')) }} as periods
),

bookings as (
    select * from {{ ref('stg_rental__bookings') }}
),

services as (
    select * from {{ ref('stg_rental__equipment_maintenance') }}
),

-- The days that the claimed periods of each machine look at.
spans as (
    select
        equipment_id,
        min(first_date) as first_date,
        max(snapshot_date) as last_date
    from periods
    group by equipment_id
),

-- What each day earns: a booking's revenue, spread over all its days. Many
-- decimals, so that shares which add up to an exact half still do.
rented_days as (
    select
        spans.equipment_id,
        days.day::date as rented_on,
        sum(
            bookings.total_amount::numeric(60, 30)
            / nullif(bookings.ends_on - bookings.starts_on + 1, 0)
        ) as revenue
    from spans
    inner join bookings
        on
            spans.equipment_id = bookings.equipment_id
            and spans.last_date >= bookings.starts_on
            and spans.first_date <= bookings.ends_on
    inner join
        lateral generate_series(
            greatest(bookings.starts_on, spans.first_date)::timestamp,
            least(bookings.ends_on, spans.last_date)::timestamp,
            interval '1 day'
        ) as days (day)
        on true
    where bookings.status <> 'cancelled'
    group by spans.equipment_id, days.day
),

-- Each rented day lies in the windows of 30 snapshots. Materialized: else the
-- planner may look through all periods for each day.
rented as materialized (
    select
        rented_days.equipment_id,
        rented_days.rented_on + days_since as snapshot_date,
        count(*)::integer as days,
        round(round(sum(rented_days.revenue), 20), 2) as revenue
    from rented_days
    cross join generate_series(0, 29) as days_since
    group by rented_days.equipment_id, rented_days.rented_on + days_since
),

{{ kpi_engine.open_at_end(
    'due',
    'services',
    opened=kpi_engine.local_instant(
        'services.due_on::timestamp', "'" ~ var('rental_timezone') ~ "'"
    ),
    closed='services.completed_at',
    by=['equipment_id']
) }},

final as (
    select
        periods.snapshot_date,
        periods.equipment_id,
        {{ kpi_engine.percent_of(
            'coalesce(rented.days, 0)', '30'
        ) }} as utilization_pct,
        coalesce(rented.days, 0) as rented_days,
        due.total > 0 as maintenance_due,
        coalesce(rented.revenue, 0) as revenue,
        now() as computed_at
    from periods
    left join rented
        on
            periods.equipment_id = rented.equipment_id
            and periods.snapshot_date = rented.snapshot_date
    inner join due
        on
            periods.equipment_id = due.equipment_id
            and periods.ends_at = due.at
)

select * from final
