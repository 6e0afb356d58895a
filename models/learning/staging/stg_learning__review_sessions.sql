select
    id as review_session_id,
    user_id,
    started_at,
    ended_at,
    cards_reviewed
from {{ source('learning', 'review_sessions') }}
