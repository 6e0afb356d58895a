select
    id as track_id,
    title
from {{ source('learning', 'tracks') }}
