with periods as (
    select
        *,
        snapshot_date - 29 as first_date
    from {{ periods(ref('int_rental__equipment_calendar')) }} as periods
),

bookings as (
    select * from {{ ref('stg_rental__bookings') }}
),

services as (
    select * from {{ ref('stg_rental__equipment_maintenance') }}
),

final as (
    select
        periods.snapshot_date,
        periods.equipment_id,
        {{ percent_of('rented.days', '30') }} as utilization_pct,
        rented.days as rented_days,
        due.maintenance_due,
        booked.revenue,
        now() as computed_at
    from periods

    -- The part of each booking that lies in the 30 days.
    inner join lateral (
        select
            range_agg(part.days) as days,
            coalesce(
                round(
                    sum(
                        bookings.total_amount
                        * (upper(part.days) - lower(part.days))
                        / (bookings.ends_on - bookings.starts_on + 1)
                    ),
                    2
                ),
                0
            ) as revenue
        from bookings
        inner join lateral (
            select
                daterange(
                    greatest(bookings.starts_on, periods.first_date),
                    least(bookings.ends_on, periods.snapshot_date),
                    '[]'
                ) as days
        ) as part on true
        where
            bookings.equipment_id = periods.equipment_id
            and bookings.status <> 'cancelled'
            and bookings.starts_on <= periods.snapshot_date
            and bookings.ends_on
            >= greatest(bookings.starts_on, periods.first_date)
    ) as booked on true

    -- A day that two bookings cover is one day.
    inner join lateral (
        select coalesce(sum(upper(span) - lower(span)), 0)::integer as days
        from unnest(booked.days) as span
    ) as rented on true

    inner join lateral (
        select count(*) > 0 as maintenance_due
        from services
        where
            services.equipment_id = periods.equipment_id
            and services.due_on <= periods.snapshot_date
            and (
                services.completed_at is null
                or services.completed_at >= periods.ends_at
            )
    ) as due on true
)

select * from final
