with calendar as (
    select * from {{ ref('int_rental__calendar') }}
),

equipment as (
    select * from {{ ref('stg_rental__equipment') }}
)

select
    equipment.equipment_id,
    calendar.timezone,
    calendar.is_active,
    calendar.started_at
from equipment
cross join calendar
where equipment.is_active
