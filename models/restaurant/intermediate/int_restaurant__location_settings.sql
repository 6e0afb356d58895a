with locations as (
    select * from {{ ref('stg_restaurant__locations') }}
),

location_settings as (
    select * from {{ ref('stg_restaurant__location_settings') }}
)

select
    locations.account_id,
    locations.location_id,
    location_settings.avg_spend_per_head,
    location_settings.minutes_saved_baseline_seconds
from locations
inner join location_settings
    on locations.location_id = location_settings.location_id
