select
    account_id,
    revenue_mode,
    avg_spend_per_head,
    minutes_saved_baseline_seconds
from {{ source('restaurant', 'account_settings') }}
