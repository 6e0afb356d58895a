with booking_trends as (
    select * from {{ ref('booking_trends') }}
),

by_status as (
    select
        (created_at at time zone '{{ var("rental_timezone") }}')::date
            as bucket_date,
        status,
        count(*) as bookings
    from {{ ref('stg_rental__bookings') }}
    group by 1, 2
),

by_day as (
    select
        bucket_date,
        jsonb_object_agg(status, bookings) as status_counts
    from by_status
    group by 1
),

different as (
    select
        booking_trends.bucket_date,
        booking_trends.status_counts as summarized,
        by_day.status_counts as counted
    from booking_trends
    left join by_day on booking_trends.bucket_date = by_day.bucket_date
    where
        booking_trends.status_counts
        is distinct from coalesce(by_day.status_counts, '{}')
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'booking_trends',
    'null::uuid',
    'different.bucket_date',
    'different.bucket_date'
) }}
