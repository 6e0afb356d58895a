with periods as (
    select * from {{ kpi_engine.periods(ref('int_plant__safety_events')) }} as periods
),

safety_events as (
    select * from {{ ref('int_plant__safety_events') }}
),

final as (
    select
        safety_events.id,
        safety_events.asset_id,
        safety_events.started_at as event_timestamp,
        safety_events.reason_code,
        safety_events.severity,
        safety_events.description,
        safety_events.resolved_at,
        safety_events.resolved_by,
        safety_events.resolved_at is not null as is_resolved,
        now() as created_at
    from periods
    inner join safety_events on periods.id = safety_events.id
)

select * from final
