with alert_candidates as (
    select * from {{ ref('alert_candidates') }}
),

tickets as (
    select * from {{ ref('stg_rental__support_tickets') }}
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

equipment as (
    select * from {{ ref('stg_rental__equipment') }}
    where is_active
),

utilization as (
    select distinct on (equipment_id) *
    from {{ ref('equipment_utilization') }}
    order by
        equipment_id asc,
        snapshot_date desc
),

present as (
    select
        refreshed_through,
        (refreshed_through at time zone '{{ var("rental_timezone") }}')::date
            as today
    from orchestrator.models
    where model = 'alert_candidates'
),

targets as (
    select
        key as priority,
        (value ->> 'first_response_minutes')::numeric * 60 as to_respond,
        (value ->> 'resolution_hours')::numeric * 3600 as to_resolve
    from jsonb_each('{{ tojson(var("sla_targets")) }}')
),

severities as (
    select
        key as alert_type,
        value as severity
    from jsonb_each_text('{{ tojson(var("alert_severity")) }}')
),

waiting as (
    select
        tickets.support_ticket_id,
        tickets.priority,
        tickets.first_response_at,
        extract(epoch from present.refreshed_through - tickets.created_at)
            as seconds
    from tickets
    cross join present
    where
        tickets.resolved_at is null
        and tickets.status not in ('resolved', 'closed')
),

expected as (
    select
        'sla_breach' as alert_type,
        waiting.support_ticket_id as entity_id,
        replace(waiting.priority, 'urgent', 'critical') as severity
    from waiting
    inner join targets on waiting.priority = targets.priority
    where
        waiting.seconds >= targets.to_resolve
        or (
            waiting.seconds >= targets.to_respond
            and waiting.first_response_at is null
        )
    union all
    select
        'insurance_overdue' as alert_type,
        documents.insurance_document_id as entity_id,
        null as severity
    from documents
    inner join present
        on
            documents.submitted_at <= present.refreshed_through
            - {{ var('insurance_review_hours') }} * interval '1 hour'
    where documents.status = 'pending' and documents.reviewed_at is null
    union all
    select
        'payment_overdue' as alert_type,
        schedules.payment_schedule_id as entity_id,
        null as severity
    from schedules
    inner join present on schedules.due_on < present.today
    where schedules.paid_at is null
    union all
    select
        'maintenance_overdue' as alert_type,
        services.equipment_maintenance_id as entity_id,
        null as severity
    from services
    inner join equipment on services.equipment_id = equipment.equipment_id
    inner join present on services.due_on < present.today
    where services.completed_at is null
    union all
    select
        'low_utilization' as alert_type,
        equipment.equipment_id as entity_id,
        null as severity
    from equipment
    inner join utilization on equipment.equipment_id = utilization.equipment_id
    where utilization.utilization_pct < {{ var('low_utilization_pct') }}
),

graded as (
    select
        expected.alert_type,
        expected.entity_id,
        coalesce(expected.severity, severities.severity) as severity
    from expected
    left join severities on expected.alert_type = severities.alert_type
),

different as (
    select
        coalesce(alert_candidates.entity_id, graded.entity_id) as entity_id,
        to_jsonb(alert_candidates) as summarized,
        to_jsonb(graded) as expected
    from alert_candidates
    full join graded
        on
            alert_candidates.alert_type = graded.alert_type
            and alert_candidates.entity_id = graded.entity_id
    left join present
        on alert_candidates.detected_at <= present.refreshed_through
    where
        alert_candidates.severity is distinct from graded.severity
        or present.refreshed_through is null
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'alert_candidates',
    'different.entity_id',
    'null::date',
    'null::date'
) }}
