select
    id as equipment_id,
    is_active
from {{ source('rental', 'equipment') }}
