with kpi_monthly as (
    select
        *,
        make_date(year, month, 1) as first_day,
        (make_date(year, month, 1) + interval '1 month')::date - 1 as last_day
    from {{ ref('kpi_monthly') }}
),

amenities as (
    select * from {{ ref('stg_community__amenities') }}
),

reservations as (
    select * from {{ ref('stg_community__reservations') }}
),

communities as (
    select * from {{ ref('stg_community__communities') }}
),

reserved as (
    select
        reservations.community_id,
        reservations.amenity_id,
        date_trunc(
            'month', reservations.starts_at at time zone communities.timezone
        )::date as first_day,
        sum(extract(epoch from reservations.ends_at - reservations.starts_at))
            as seconds
    from reservations
    inner join communities
        on reservations.community_id = communities.community_id
    where reservations.status in ('booked', 'completed', 'no_show')
    group by 1, 2, 3
),

by_name as (
    select
        kpi_monthly.community_id,
        kpi_monthly.first_day,
        amenities.name,
        coalesce(sum(reserved.seconds), 0) as reserved_seconds,
        sum(
            amenities.open_hours_per_day
            * 3600
            * (kpi_monthly.last_day + 1 - kpi_monthly.first_day)
        ) as open_seconds
    from kpi_monthly
    inner join amenities on kpi_monthly.community_id = amenities.community_id
    left join reserved
        on
            amenities.community_id = reserved.community_id
            and amenities.amenity_id = reserved.amenity_id
            and kpi_monthly.first_day = reserved.first_day
    group by 1, 2, 3
),

by_month as (
    select
        community_id,
        first_day,
        jsonb_object_agg(
            name,
            case
                when open_seconds <> 0
                    then round(100 * reserved_seconds / open_seconds, 2)
            end
        ) as utilization_by_amenity
    from by_name
    group by 1, 2
),

different as (
    select
        kpi_monthly.community_id,
        kpi_monthly.first_day,
        kpi_monthly.last_day,
        kpi_monthly.utilization_by_amenity as summarized,
        by_month.utilization_by_amenity as counted
    from kpi_monthly
    left join by_month
        on
            kpi_monthly.community_id = by_month.community_id
            and kpi_monthly.first_day = by_month.first_day
    where
        kpi_monthly.utilization_by_amenity
        is distinct from coalesce(by_month.utilization_by_amenity, '{}')
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'kpi_monthly',
    'different.community_id',
    'different.first_day',
    'different.last_day'
) }}
