select
    id as explanation_view_id,
    user_id,
    track_id,
    viewed_at,
    seconds_read,
    was_helpful
from {{ source('learning', 'explanation_views') }}
