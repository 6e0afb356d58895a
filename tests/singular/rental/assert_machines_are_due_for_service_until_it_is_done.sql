with equipment_utilization as (
    select * from {{ ref('equipment_utilization') }}
),

services as (
    select * from {{ ref('stg_rental__equipment_maintenance') }}
),

calendar as (
    select * from {{ ref('int_rental__equipment_calendar') }}
),

due as (
    select
        services.equipment_id,
        daterange(
            services.due_on,
            greatest(
                services.due_on,
                (services.completed_at at time zone calendar.timezone)::date
            )
        ) as days
    from services
    inner join calendar on services.equipment_id = calendar.equipment_id
    where services.completed_at is not null
    union all
    select
        equipment_id,
        daterange(due_on, null) as days
    from services
    where completed_at is null
),

counted as (
    select
        equipment_id,
        range_agg(days) as days
    from due
    group by 1
),

different as (
    select
        equipment_utilization.equipment_id,
        equipment_utilization.snapshot_date,
        equipment_utilization.maintenance_due,
        counted.days
    from equipment_utilization
    left join counted
        on equipment_utilization.equipment_id = counted.equipment_id
    where
        equipment_utilization.maintenance_due
        <> coalesce(counted.days @> equipment_utilization.snapshot_date, false)
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'equipment_utilization',
    'different.equipment_id',
    'different.snapshot_date - 29',
    'different.snapshot_date'
) }}
