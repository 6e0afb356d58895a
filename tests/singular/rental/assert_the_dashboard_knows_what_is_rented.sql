with dashboard_kpis as (
    select * from {{ ref('dashboard_kpis') }}
),

bookings as (
    select * from {{ ref('stg_rental__bookings') }}
    where status in ('pending', 'confirmed', 'active', 'completed')
),

equipment as (
    select * from {{ ref('stg_rental__equipment') }}
    where is_active
),

fleet as (
    select count(*) as machines from equipment
),

taken as (
    select
        bookings.customer_id,
        equipment.equipment_id,
        generate_series(
            bookings.starts_on::timestamp, bookings.ends_on, interval '1 day'
        )::date as taken_on
    from bookings
    left join equipment on bookings.equipment_id = equipment.equipment_id
),

by_day as (
    select
        taken_on,
        count(distinct customer_id) as customers,
        count(distinct equipment_id) as machines
    from taken
    group by 1
),

different as (
    select
        dashboard_kpis.snapshot_date,
        dashboard_kpis.metrics,
        by_day.customers,
        by_day.machines
    from dashboard_kpis
    cross join fleet
    left join by_day on dashboard_kpis.snapshot_date = by_day.taken_on
    where
        (dashboard_kpis.metrics -> 'active_customers' ->> 'value')::numeric
        <> coalesce(by_day.customers, 0)
        or (dashboard_kpis.metrics -> 'utilization_pct' ->> 'value')::numeric
        is distinct from case
            when fleet.machines > 0
                then round(
                    100.0 * coalesce(by_day.machines, 0) / fleet.machines, 2
                )
        end
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'dashboard_kpis',
    'null::uuid',
    'different.snapshot_date',
    'different.snapshot_date'
) }}
