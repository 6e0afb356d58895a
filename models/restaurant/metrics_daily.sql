with periods as (
    select * from {{ periods(ref('int_restaurant__calendar')) }}
),

settings as (
    select * from {{ ref('int_restaurant__location_settings') }}
),

called as (
    select
        periods.account_id,
        calls.location_id,
        periods.date,
        count(*)::integer as total_calls,
        count(*) filter (where calls.call_type = 'order')::integer
            as orders_count,
        count(*) filter (where calls.call_type = 'reservation')::integer
            as reservations_count,
        count(*) filter (where calls.status = 'completed') as completed_calls
    from periods
    inner join {{ ref('stg_restaurant__calls') }} as calls
        on
            periods.account_id = calls.account_id
            and {{ during('calls.started_at') }}
    group by periods.account_id, calls.location_id, periods.date
),

ordered as (
    select
        periods.account_id,
        orders.location_id,
        periods.date,
        sum(orders.total_amount) as amount
    from periods
    inner join {{ ref('stg_restaurant__orders') }} as orders
        on
            periods.account_id = orders.account_id
            and {{ during('orders.created_at') }}
    group by periods.account_id, orders.location_id, periods.date
),

reserved as (
    select
        periods.account_id,
        reservations.location_id,
        periods.date,
        sum(
            reservations.guest_count
            * coalesce(
                reservations.avg_spend_per_head_override,
                settings.avg_spend_per_head,
                0
            )
        ) as estimate
    from periods
    inner join {{ ref('stg_restaurant__reservations') }} as reservations
        on
            periods.account_id = reservations.account_id
            and {{ during('reservations.created_at') }}
    left join settings on reservations.location_id = settings.location_id
    group by periods.account_id, reservations.location_id, periods.date
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
    left join settings using (location_id)
)

select * from final
