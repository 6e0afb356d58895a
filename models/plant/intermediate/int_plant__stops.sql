-- Without a common table expression, so that an asset's days find their stops
-- by an index. What ended before it began did not happen.
select
    asset_id,
    reason_code,
    started_at,
    ended_at
from {{ ref('stg_plant__downtime_events') }}
where ended_at is null or ended_at > started_at
