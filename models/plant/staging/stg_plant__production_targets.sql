select
    asset_id,
    target_date,
    planned_minutes,
    target_output
from {{ source('plant', 'production_targets') }}
