select
    id as unit_id,
    community_id
from {{ source('community', 'units') }}
