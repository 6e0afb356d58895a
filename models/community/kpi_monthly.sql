with periods as (
    select
        *,
        (month_start + interval '1 month - 1 day')::date as month_end
    from {{ periods(ref('int_community__calendar')) }}
),

kpi_daily as (
    select * from {{ ref('kpi_daily') }}
),

access_logs as (
    select * from {{ ref('stg_community__access_logs') }}
),

incidents as (
    select * from {{ ref('stg_community__incidents') }}
),

amenities as (
    select * from {{ ref('stg_community__amenities') }}
),

reservations as (
    select * from {{ ref('stg_community__reservations') }}
),

units as (
    select * from {{ ref('stg_community__units') }}
),

unit_balances as (
    select * from {{ ref('stg_community__unit_balances') }}
),

-- Each month beside the month before it, for the change of its collection rate.
months as (
    select
        periods.community_id,
        periods.month_start,
        kpi_daily.metric_date >= periods.month_start as is_current,
        kpi_daily.total_entries,
        kpi_daily.incidents_reported,
        kpi_daily.new_charges_amount,
        kpi_daily.payments_amount
    from periods
    left join kpi_daily
        on
            periods.community_id = kpi_daily.community_id
            and kpi_daily.metric_date >= periods.month_start - interval '1 month'
            and kpi_daily.metric_date <= periods.month_end
),

totals as (
    select
        community_id,
        month_start,
        coalesce(sum(total_entries) filter (where is_current), 0)
            as total_entries,
        coalesce(sum(incidents_reported) filter (where is_current), 0)
            as total_incidents,
        coalesce(sum(new_charges_amount) filter (where is_current), 0)
            as total_billed,
        coalesce(sum(payments_amount) filter (where is_current), 0)
            as total_collected,
        sum(new_charges_amount) filter (where not is_current)
            as previous_billed,
        sum(payments_amount) filter (where not is_current)
            as previous_collected
    from months
    group by community_id, month_start
),

visitors as (
    select
        periods.community_id,
        periods.month_start,
        count(distinct access_logs.visitor_id)::integer as unique_visitors
    from periods
    inner join access_logs
        on
            periods.community_id = access_logs.community_id
            and {{ during('access_logs.occurred_at') }}
            and access_logs.decision = 'granted'
    group by periods.community_id, periods.month_start
),

categories as (
    select
        periods.community_id,
        periods.month_start,
        incidents.category,
        count(*) as reported
    from periods
    inner join incidents
        on
            periods.community_id = incidents.community_id
            and {{ during('incidents.reported_at') }}
    group by periods.community_id, periods.month_start, incidents.category
),

incidents_by_category as (
    select
        community_id,
        month_start,
        jsonb_object_agg(category, reported) as incidents_by_category
    from categories
    group by community_id, month_start
),

resolutions as (
    select
        periods.community_id,
        periods.month_start,
        avg(
            extract(epoch from incidents.resolved_at - incidents.reported_at)
            / 3600
        ) as avg_resolution_hours
    from periods
    inner join incidents
        on
            periods.community_id = incidents.community_id
            and {{ during('incidents.resolved_at') }}
    group by periods.community_id, periods.month_start
),

bookings as (
    select
        periods.community_id,
        periods.month_start,
        count(*)::integer as total_reservations
    from periods
    inner join reservations
        on
            periods.community_id = reservations.community_id
            and {{ during('reservations.created_at') }}
    group by periods.community_id, periods.month_start
),

reserved_hours as (
    select
        periods.community_id,
        periods.month_start,
        reservations.amenity_id,
        sum(
            extract(epoch from reservations.ends_at - reservations.starts_at)
            / 3600
        ) as hours
    from periods
    inner join reservations
        on
            periods.community_id = reservations.community_id
            and {{ during('reservations.starts_at') }}
            and reservations.status <> 'cancelled'
    group by
        periods.community_id, periods.month_start, reservations.amenity_id
),

-- By name: two amenities that residents call the same are one to them.
utilization as (
    select
        periods.community_id,
        periods.month_start,
        amenities.name,
        {{ percent_of(
            'coalesce(sum(reserved_hours.hours), 0)',
            'sum(amenities.open_hours_per_day'
            ~ ' * extract(day from periods.month_end))'
        ) }} as utilization
    from periods
    inner join amenities on periods.community_id = amenities.community_id
    left join reserved_hours
        on
            amenities.amenity_id = reserved_hours.amenity_id
            and periods.community_id = reserved_hours.community_id
            and periods.month_start = reserved_hours.month_start
    group by periods.community_id, periods.month_start, amenities.name
),

utilization_by_amenity as (
    select
        community_id,
        month_start,
        jsonb_object_agg(name, utilization) as utilization_by_amenity
    from utilization
    group by community_id, month_start
),

debts as (
    select
        periods.community_id,
        periods.month_start,
        periods.month_end - latest.oldest_due_date as days_overdue
    from periods
    inner join units on periods.community_id = units.community_id
    cross join lateral (
        {{ latest_as_of(
            'unit_balances', 'units', 'unit_id', 'as_of_date',
            'periods.month_end'
        ) }}
    ) as latest
    where latest.balance > 0
),

delinquency as (
    select
        community_id,
        month_start,
        count(*) filter (where days_overdue between 30 and 59)::integer
            as units_delinquent_30_days,
        count(*) filter (where days_overdue between 60 and 89)::integer
            as units_delinquent_60_days,
        count(*) filter (where days_overdue >= 90)::integer
            as units_delinquent_90_days
    from debts
    group by community_id, month_start
),

final as (
    select
        {{ row_id([
            'totals.community_id',
            'extract(year from totals.month_start)::integer',
            'extract(month from totals.month_start)::integer',
        ]) }} as id,
        totals.community_id,
        extract(year from totals.month_start)::integer as year,
        extract(month from totals.month_start)::integer as month,
        totals.total_billed,
        totals.total_collected,
        {{ percent_of('totals.total_collected', 'totals.total_billed') }}
            as collection_rate,
        coalesce(delinquency.units_delinquent_30_days, 0)
            as units_delinquent_30_days,
        coalesce(delinquency.units_delinquent_60_days, 0)
            as units_delinquent_60_days,
        coalesce(delinquency.units_delinquent_90_days, 0)
            as units_delinquent_90_days,
        totals.total_entries::integer as total_entries,
        coalesce(visitors.unique_visitors, 0) as unique_visitors,
        totals.total_incidents::integer as total_incidents,
        coalesce(incidents_by_category.incidents_by_category, '{}')
            as incidents_by_category,
        round(resolutions.avg_resolution_hours, 2) as avg_resolution_hours,
        coalesce(bookings.total_reservations, 0) as total_reservations,
        coalesce(utilization_by_amenity.utilization_by_amenity, '{}')
            as utilization_by_amenity,
        {{ percent_of('totals.total_collected', 'totals.total_billed') }}
        - {{ percent_of('totals.previous_collected', 'totals.previous_billed') }}
            as collection_rate_change,
        now() as computed_at
    from totals
    left join visitors using (community_id, month_start)
    left join incidents_by_category using (community_id, month_start)
    left join resolutions using (community_id, month_start)
    left join bookings using (community_id, month_start)
    left join utilization_by_amenity using (community_id, month_start)
    left join delinquency using (community_id, month_start)
)

select * from final
