with periods as (
    select
        *,
        (month_start - interval '1 month')::date as previous_month_start,
        (month_start + interval '1 month')::date - 1 as month_end
    from {{ kpi_engine.periods(ref('int_community__calendar')) }} as periods
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

-- By name: two amenities that residents call the same are one to them.
amenity_utilization as (
    select
        periods.community_id,
        periods.month_start,
        amenities.name,
        {{ kpi_engine.percent_of(
            'coalesce(sum(reserved.seconds), 0)',
            'sum(3600 * amenities.open_hours_per_day'
            ~ ' * extract(day from periods.month_end))'
        ) }} as utilization
    from periods
    inner join amenities on periods.community_id = amenities.community_id
    inner join lateral (
        select
            sum(
                extract(
                    epoch from reservations.ends_at - reservations.starts_at
                )
            ) as seconds
        from reservations
        where
            reservations.community_id = periods.community_id
            and reservations.amenity_id = amenities.amenity_id
            and reservations.status <> 'cancelled'
            and {{ kpi_engine.in_period('reservations.starts_at') }}
    ) as reserved on true
    group by periods.community_id, periods.month_start, amenities.name
),

utilization as (
    select
        community_id,
        month_start,
        jsonb_object_agg(name, utilization) as utilization_by_amenity
    from amenity_utilization
    group by community_id, month_start
),

final as (
    select
        {{ kpi_engine.row_id([
            'periods.community_id',
            'extract(year from periods.month_start)::integer',
            'extract(month from periods.month_start)::integer',
        ]) }} as id,
        periods.community_id,
        extract(year from periods.month_start)::integer as year,
        extract(month from periods.month_start)::integer as month,
        days.total_billed,
        days.total_collected,
        {{ kpi_engine.percent_of('days.total_collected', 'days.total_billed') }}
            as collection_rate,
        debts.units_delinquent_30_days,
        debts.units_delinquent_60_days,
        debts.units_delinquent_90_days,
        days.total_entries,
        visits.visitors as unique_visitors,
        days.total_incidents,
        categories.incidents_by_category,
        resolutions.avg_resolution_hours,
        bookings.total_reservations,
        coalesce(utilization.utilization_by_amenity, '{}')
            as utilization_by_amenity,
        {{ kpi_engine.percent_of('days.total_collected', 'days.total_billed') }}
        - {{ kpi_engine.percent_of(
            'previous.total_collected', 'previous.total_billed'
        ) }}
            as collection_rate_change,
        now() as computed_at
    from periods

    inner join lateral (
        select
            coalesce(sum(kpi_daily.total_entries), 0)::integer
                as total_entries,
            coalesce(sum(kpi_daily.incidents_reported), 0)::integer
                as total_incidents,
            coalesce(sum(kpi_daily.new_charges_amount), 0) as total_billed,
            coalesce(sum(kpi_daily.payments_amount), 0) as total_collected
        from kpi_daily
        where
            kpi_daily.community_id = periods.community_id
            and kpi_daily.metric_date >= periods.month_start
            and kpi_daily.metric_date <= periods.month_end
    ) as days on true

    inner join lateral (
        select
            sum(kpi_daily.new_charges_amount) as total_billed,
            sum(kpi_daily.payments_amount) as total_collected
        from kpi_daily
        where
            kpi_daily.community_id = periods.community_id
            and kpi_daily.metric_date >= periods.previous_month_start
            and kpi_daily.metric_date < periods.month_start
    ) as previous on true

    inner join lateral (
        select count(distinct access_logs.visitor_id)::integer as visitors
        from access_logs
        where
            access_logs.community_id = periods.community_id
            and access_logs.decision = 'granted'
            and {{ kpi_engine.in_period('access_logs.occurred_at') }}
    ) as visits on true

    inner join lateral (
        select {{ kpi_engine.count_by('incidents.category') }} as incidents_by_category
        from incidents
        where
            incidents.community_id = periods.community_id
            and {{ kpi_engine.in_period('incidents.reported_at') }}
    ) as categories on true

    inner join lateral (
        select
            {{ kpi_engine.avg_duration(
                'incidents.reported_at', 'incidents.resolved_at'
            ) }}
                as avg_resolution_hours
        from incidents
        where
            incidents.community_id = periods.community_id
            and {{ kpi_engine.in_period('incidents.resolved_at') }}
    ) as resolutions on true

    inner join lateral (
        select count(*)::integer as total_reservations
        from reservations
        where
            reservations.community_id = periods.community_id
            and {{ kpi_engine.in_period('reservations.created_at') }}
    ) as bookings on true

    inner join lateral (
        select
            count(*) filter (where overdue.days between 30 and 59)::integer
                as units_delinquent_30_days,
            count(*) filter (where overdue.days between 60 and 89)::integer
                as units_delinquent_60_days,
            count(*) filter (where overdue.days >= 90)::integer
                as units_delinquent_90_days
        from units
        inner join lateral (
            {{ kpi_engine.latest_as_of(
                'unit_balances', 'units', 'unit_id', 'as_of_date',
                'periods.month_end'
            ) }}
        ) as latest on true
        inner join lateral (
            select periods.month_end - latest.oldest_due_date as days
        ) as overdue on true
        where
            units.community_id = periods.community_id
            and latest.balance > 0
    ) as debts on true

    left join utilization
        on
            periods.community_id = utilization.community_id
            and periods.month_start = utilization.month_start
)

select * from final
