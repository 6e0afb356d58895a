with periods as (
    select * from {{ periods(ref('int_restaurant__calendar')) }}
),

settings as (
    select * from {{ ref('int_restaurant__location_settings') }}
),

calls as (
    select * from {{ ref('stg_restaurant__calls') }}
),

orders as (
    select * from {{ ref('stg_restaurant__orders') }}
),

reservations as (
    select * from {{ ref('stg_restaurant__reservations') }}
),

called as (
    select
        periods.account_id,
        periods.date,
        by_location.*
    from periods
    cross join lateral (
        select
            calls.location_id,
            count(*)::integer as total_calls,
            count(*) filter (where calls.call_type = 'order')::integer
                as orders_count,
            count(*) filter (where calls.call_type = 'reservation')::integer
                as reservations_count,
            count(*) filter (where calls.status = 'completed')
                as completed_calls
        from calls
        where
            calls.account_id = periods.account_id
            and {{ during('calls.started_at') }}
        group by calls.location_id
    ) as by_location
),

ordered as (
    select
        periods.account_id,
        periods.date,
        by_location.*
    from periods
    cross join lateral (
        select
            orders.location_id,
            sum(orders.total_amount) as amount
        from orders
        where
            orders.account_id = periods.account_id
            and {{ during('orders.created_at') }}
        group by orders.location_id
    ) as by_location
),

reserved as (
    select
        periods.account_id,
        periods.date,
        by_location.*
    from periods
    cross join lateral (
        select
            reservations.location_id,
            sum(
                reservations.guest_count * coalesce(
                    reservations.avg_spend_per_head_override,
                    settings.avg_spend_per_head
                )
            ) as estimate
        from reservations
        inner join settings
            on reservations.location_id = settings.location_id
        where
            reservations.account_id = periods.account_id
            and {{ during('reservations.created_at') }}
        group by reservations.location_id
    ) as by_location
),

final as (
    select
        account_id,
        location_id,
        date,
        coalesce(called.total_calls, 0) as total_calls,
        coalesce(called.orders_count, 0) as orders_count,
        coalesce(called.reservations_count, 0) as reservations_count,
        case
            when settings.revenue_mode = 'reservations' then 0
            else coalesce(ordered.amount, 0)
        end as total_revenue_orders,
        case
            when settings.revenue_mode = 'orders' then 0
            else coalesce(reserved.estimate, 0)
        end as total_revenue_res_estimate,
        round(
            coalesce(called.completed_calls, 0)
            * settings.minutes_saved_baseline_seconds / 60.0,
            2
        ) as minutes_saved,
        now() as computed_at
    from called
    full outer join ordered using (account_id, location_id, date)
    full outer join reserved using (account_id, location_id, date)
    inner join settings using (location_id)
)

select * from final
