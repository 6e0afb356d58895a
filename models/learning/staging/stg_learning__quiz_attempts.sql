select
    id as quiz_attempt_id,
    quiz_id,
    started_at,
    completed_at,
    score
from {{ source('learning', 'quiz_attempts') }}
