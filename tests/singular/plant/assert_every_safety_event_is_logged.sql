with safety_events as (
    select * from {{ ref('safety_events') }}
),

downtime_events as (
    select * from {{ ref('stg_plant__downtime_events') }}
),

assets as (
    select * from {{ ref('stg_plant__assets') }}
),

different as (
    select downtime_events.downtime_event_id as id
    from downtime_events
    inner join assets on downtime_events.asset_id = assets.asset_id
    inner join orchestrator.models
        on
            models.model = 'safety_events'
            and downtime_events.started_at <= models.refreshed_through
    left join safety_events
        on downtime_events.downtime_event_id = safety_events.id
    where
        downtime_events.reason_code = 'Safety Issue'
        and (
            safety_events.asset_id,
            safety_events.event_timestamp,
            safety_events.severity,
            safety_events.description,
            safety_events.resolved_at,
            safety_events.resolved_by
        ) is distinct from (
            downtime_events.asset_id,
            downtime_events.started_at,
            coalesce(downtime_events.severity, 'medium'),
            downtime_events.description,
            downtime_events.resolved_at,
            downtime_events.resolved_by
        )
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'safety_events', 'different.id', 'null::date', 'null::date'
) }}
