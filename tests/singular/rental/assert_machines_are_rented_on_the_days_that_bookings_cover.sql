with equipment_utilization as (
    select * from {{ ref('equipment_utilization') }}
),

bookings as (
    select * from {{ ref('stg_rental__bookings') }}
),

covered as (
    select
        bookings.equipment_id,
        series.booked_on::date as booked_on,
        1 as rented,
        bookings.total_amount
        / count(*) over (partition by bookings.booking_id) as earned
    from bookings
    cross join
        generate_series(
            bookings.starts_on::timestamp, bookings.ends_on, interval '1 day'
        ) as series (booked_on)
    where bookings.status in ('pending', 'confirmed', 'active', 'completed')
    union all
    select
        equipment_id,
        snapshot_date as booked_on,
        0 as rented,
        0 as earned
    from equipment_utilization
),

by_day as (
    select
        equipment_id,
        booked_on,
        max(rented) as rented,
        sum(earned) as earned
    from covered
    group by 1, 2
),

counted as (
    select
        equipment_id,
        booked_on as snapshot_date,
        sum(rented) over days_30 as rented_days,
        sum(earned) over days_30 as revenue
    from by_day
    window
        days_30 as (
            partition by equipment_id
            order by booked_on
            range between interval '29 days' preceding and current row
        )
),

different as (
    select
        equipment_utilization.equipment_id,
        equipment_utilization.snapshot_date,
        to_jsonb(equipment_utilization) as summarized,
        to_jsonb(counted) as counted
    from equipment_utilization
    inner join counted
        on
            equipment_utilization.equipment_id = counted.equipment_id
            and equipment_utilization.snapshot_date = counted.snapshot_date
    where
        equipment_utilization.rented_days <> counted.rented_days
        or equipment_utilization.utilization_pct
        <> round(counted.rented_days / 0.3, 2)
        or abs(equipment_utilization.revenue - counted.revenue) >= 0.01
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'equipment_utilization',
    'different.equipment_id',
    'different.snapshot_date - 29',
    'different.snapshot_date'
) }}
