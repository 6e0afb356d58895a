select
    user_id,
    track_id,
    learned_on
from {{ source('learning', 'learning_days') }}
