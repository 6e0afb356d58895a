with periods as (
    select * from {{ kpi_engine.periods(ref('int_restaurant__calendar')) }} as periods
),

activity as (
    select * from {{ ref('int_restaurant__activity') }}
),

locations as (
    select * from {{ ref('stg_restaurant__locations') }}
),

account_settings as (
    select * from {{ ref('stg_restaurant__account_settings') }}
),

location_settings as (
    select * from {{ ref('stg_restaurant__location_settings') }}
),

final as (
    select
        periods.account_id,
        counts.location_id,
        periods.date,
        counts.total_calls,
        counts.orders_count,
        counts.reservations_count,
        case
            when account_settings.revenue_mode = 'reservations' then 0
            else counts.order_amount
        end as total_revenue_orders,
        case
            when account_settings.revenue_mode = 'orders' then 0
            else
                counts.overridden_spend
                + coalesce(counts.other_guests, 0)
                * coalesce(
                    location_settings.avg_spend_per_head,
                    account_settings.avg_spend_per_head,
                    0
                )
        end as total_revenue_res_estimate,
        round(
            counts.completed_calls
            * coalesce(
                location_settings.minutes_saved_baseline_seconds,
                account_settings.minutes_saved_baseline_seconds,
                120
            ) / 60.0,
            2
        ) as minutes_saved,
        now() as computed_at
    from periods

    inner join lateral (
        select
            activity.location_id,
            count(*) filter (where activity.activity = 'call')::integer
                as total_calls,
            count(*) filter (where activity.call_type = 'order')::integer
                as orders_count,
            count(*) filter (where activity.call_type = 'reservation')::integer
                as reservations_count,
            count(*) filter (where activity.call_status = 'completed')
                as completed_calls,
            coalesce(sum(activity.order_amount), 0) as order_amount,
            coalesce(sum(activity.guest_count * activity.spend_per_head), 0)
                as overridden_spend,
            sum(activity.guest_count) filter (
                where activity.spend_per_head is null
            ) as other_guests
        from activity
        where
            activity.account_id = periods.account_id
            and {{ kpi_engine.in_period('activity.occurred_at') }}
        group by activity.location_id
    ) as counts on true

    inner join locations on counts.location_id = locations.location_id

    left join account_settings
        on periods.account_id = account_settings.account_id

    -- What another account has set for the location does not count here.
    left join location_settings
        on
            locations.location_id = location_settings.location_id
            and periods.account_id = locations.account_id
)

select * from final
