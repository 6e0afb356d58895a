select
    user_id,
    track_id,
    enrolled_at
from {{ source('learning', 'enrollments') }}
