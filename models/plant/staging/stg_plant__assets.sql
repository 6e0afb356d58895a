select
    id as asset_id,
    name,
    cost_per_minute,
    cost_per_waste_unit,
    timezone,
    is_active
from {{ source('plant', 'assets') }}
