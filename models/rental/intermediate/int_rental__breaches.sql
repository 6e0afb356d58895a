{%- set timezone = "'" ~ var('rental_timezone') ~ "'" -%}
{%- set severity = var('alert_severity') -%}
with tickets as (
    select * from {{ ref('int_rental__ticket_deadlines') }}
),

documents as (
    select * from {{ ref('stg_rental__insurance_documents') }}
),

schedules as (
    select * from {{ ref('stg_rental__payment_schedules') }}
),

services as (
    select * from {{ ref('stg_rental__equipment_maintenance') }}
),

-- Not materialized, so that a machine and its days are found by index.
equipment as not materialized (
    select * from {{ ref('stg_rental__equipment') }}
),

utilization as not materialized (
    select * from {{ ref('equipment_utilization') }}
),

breaches as (
    select
        support_ticket_id as entity_id,
        'sla_breach' as alert_type,
        least(
            resolution_breach_at,
            case when first_response_at is null then response_breach_at end
        ) as started_at,
        case priority when 'urgent' then 'critical' else priority end
            as severity,
        jsonb_build_object(
            'customer_id', customer_id,
            'priority', priority,
            'awaits',
            case
                when first_response_at is null then 'first_response'
                else 'resolution'
            end
        ) as payload
    from tickets
    where is_unfinished
    union all
    select
        insurance_document_id as entity_id,
        'insurance_overdue' as alert_type,
        submitted_at
        + interval '{{ var("insurance_review_hours") }} hours' as started_at,
        '{{ severity.insurance_overdue }}' as severity,
        jsonb_build_object(
            'booking_id', booking_id,
            'submitted_on', (submitted_at at time zone {{ timezone }})::date
        ) as payload
    from documents
    where reviewed_at is null and status = 'pending'
    union all
    select
        payment_schedule_id as entity_id,
        'payment_overdue' as alert_type,
        {{ kpi_engine.local_instant(
            '(due_on + 1)::timestamp', timezone
        ) }} as started_at,
        '{{ severity.payment_overdue }}' as severity,
        jsonb_build_object(
            'booking_id', booking_id,
            'due_on', due_on,
            'amount', amount
        ) as payload
    from schedules
    where paid_at is null
    union all
    select
        services.equipment_maintenance_id as entity_id,
        'maintenance_overdue' as alert_type,
        {{ kpi_engine.local_instant('(services.due_on + 1)::timestamp', timezone) }}
            as started_at,
        '{{ severity.maintenance_overdue }}' as severity,
        jsonb_build_object(
            'equipment_id', services.equipment_id,
            'due_on', services.due_on
        ) as payload
    from services
    inner join equipment on services.equipment_id = equipment.equipment_id
    where services.completed_at is null and equipment.is_active
    union all
    select
        equipment.equipment_id as entity_id,
        'low_utilization' as alert_type,
        {{ kpi_engine.local_instant('low.since::timestamp', timezone) }} as started_at,
        '{{ severity.low_utilization }}' as severity,
        jsonb_build_object(
            'utilization_pct', low.utilization_pct,
            'low_since', low.since
        ) as payload
    from equipment
    -- The days after the last on which it was not low: none, if that is today.
    inner join lateral (
        select
            min(utilization.snapshot_date) as since,
            (
                array_agg(
                    utilization.utilization_pct
                    order by utilization.snapshot_date desc
                )
            )[1] as utilization_pct
        from utilization
        where
            utilization.equipment_id = equipment.equipment_id
            and utilization.snapshot_date > coalesce(
                (
                    select max(enough.snapshot_date)
                    from utilization as enough
                    where
                        enough.equipment_id = equipment.equipment_id
                        and enough.utilization_pct
                        >= {{ var('low_utilization_pct') }}
                ), '-infinity'
            )
    ) as low on low.since is not null
    where equipment.is_active
)

select
    entity_id,
    alert_type,
    {{ timezone }} as timezone,
    true as is_active,
    started_at,
    severity,
    payload
from breaches
