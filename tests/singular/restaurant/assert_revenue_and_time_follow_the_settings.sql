with metrics_daily as (
    select * from {{ ref('metrics_daily') }}
),

accounts as (
    select * from {{ ref('stg_restaurant__accounts') }}
),

account_settings as (
    select * from {{ ref('stg_restaurant__account_settings') }}
),

location_settings as (
    select * from {{ ref('stg_restaurant__location_settings') }}
),

locations as (
    select * from {{ ref('stg_restaurant__locations') }}
),

worked as (
    select
        account_id,
        location_id,
        started_at as worked_at,
        null::numeric as ordered,
        null::integer as guests,
        null::numeric as own_spend,
        1 as completed_calls
    from {{ ref('stg_restaurant__calls') }}
    where status = 'completed'
    union all
    select
        account_id,
        location_id,
        created_at as worked_at,
        total_amount as ordered,
        null as guests,
        null as own_spend,
        0 as completed_calls
    from {{ ref('stg_restaurant__orders') }}
    union all
    select
        account_id,
        location_id,
        created_at as worked_at,
        null as ordered,
        guest_count as guests,
        avg_spend_per_head_override as own_spend,
        0 as completed_calls
    from {{ ref('stg_restaurant__reservations') }}
),

earned as (
    select
        worked.account_id,
        worked.location_id,
        (worked.worked_at at time zone accounts.timezone)::date as worked_on,
        case
            when account_settings.revenue_mode = 'reservations' then 0
            else worked.ordered
        end as revenue_orders,
        case
            when account_settings.revenue_mode = 'orders' then 0
            when worked.own_spend is not null
                then worked.guests * worked.own_spend
            when location_settings.avg_spend_per_head is not null
                then worked.guests * location_settings.avg_spend_per_head
            when account_settings.avg_spend_per_head is not null
                then worked.guests * account_settings.avg_spend_per_head
        end as revenue_res_estimate,
        worked.completed_calls * case
            when location_settings.minutes_saved_baseline_seconds is not null
                then location_settings.minutes_saved_baseline_seconds
            when account_settings.minutes_saved_baseline_seconds is not null
                then account_settings.minutes_saved_baseline_seconds
            else 120
        end as seconds_saved
    from worked
    inner join accounts on worked.account_id = accounts.account_id
    inner join locations on worked.location_id = locations.location_id
    left join location_settings
        on
            locations.location_id = location_settings.location_id
            and worked.account_id = locations.account_id
    left join account_settings
        on worked.account_id = account_settings.account_id
),

by_day as (
    select
        account_id,
        location_id,
        worked_on,
        coalesce(sum(revenue_orders), 0) as total_revenue_orders,
        round(coalesce(sum(revenue_res_estimate), 0), 2)
            as total_revenue_res_estimate,
        round(sum(seconds_saved) / 60.0, 2) as minutes_saved
    from earned
    group by 1, 2, 3
),

different as (
    select
        metrics_daily.account_id,
        metrics_daily.date as worked_on,
        to_jsonb(metrics_daily) as summarized,
        to_jsonb(by_day) as counted
    from metrics_daily
    left join by_day
        on
            metrics_daily.account_id = by_day.account_id
            and metrics_daily.location_id = by_day.location_id
            and metrics_daily.date = by_day.worked_on
    where
        metrics_daily.total_revenue_orders
        <> coalesce(by_day.total_revenue_orders, 0)
        or metrics_daily.total_revenue_res_estimate
        <> coalesce(by_day.total_revenue_res_estimate, 0)
        or metrics_daily.minutes_saved <> coalesce(by_day.minutes_saved, 0)
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'metrics_daily',
    'different.account_id',
    'different.worked_on',
    'different.worked_on'
) }}
