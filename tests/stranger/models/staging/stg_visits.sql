select seen_at from {{ source('web', 'visits') }}
