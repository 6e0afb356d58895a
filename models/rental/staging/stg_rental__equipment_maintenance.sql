select
    id as equipment_maintenance_id,
    equipment_id,
    due_on,
    completed_at
from {{ source('rental', 'equipment_maintenance') }}
