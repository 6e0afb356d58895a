select
    id as production_count_id,
    asset_id,
    counted_at,
    good_count,
    waste_count
from {{ source('plant', 'production_counts') }}
