select
    location_id,
    avg_spend_per_head,
    minutes_saved_baseline_seconds
from {{ source('restaurant', 'location_settings') }}
