-- Without common table expressions, so that an event is found by its id.
select
    downtime_events.downtime_event_id as id,
    downtime_events.asset_id,
    downtime_events.reason_code,
    downtime_events.description,
    downtime_events.resolved_at,
    downtime_events.resolved_by,
    assets.timezone,
    true as is_active,
    downtime_events.started_at,
    coalesce(downtime_events.severity, 'medium') as severity
from {{ ref('stg_plant__downtime_events') }} as downtime_events
inner join {{ ref('stg_plant__assets') }} as assets
    on downtime_events.asset_id = assets.asset_id
where downtime_events.reason_code = 'Safety Issue'
