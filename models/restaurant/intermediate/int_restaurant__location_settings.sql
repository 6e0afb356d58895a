with locations as (
    select * from {{ ref('stg_restaurant__locations') }}
),

account_settings as (
    select * from {{ ref('stg_restaurant__account_settings') }}
),

location_settings as (
    select * from {{ ref('stg_restaurant__location_settings') }}
)

select
    locations.location_id,
    coalesce(account_settings.revenue_mode, 'both') as revenue_mode,
    coalesce(
        location_settings.avg_spend_per_head,
        account_settings.avg_spend_per_head,
        0
    ) as avg_spend_per_head,
    coalesce(
        location_settings.minutes_saved_baseline_seconds,
        account_settings.minutes_saved_baseline_seconds,
        120
    ) as minutes_saved_baseline_seconds
from locations
left join account_settings
    on locations.account_id = account_settings.account_id
left join location_settings
    on locations.location_id = location_settings.location_id
