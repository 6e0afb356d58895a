with booking_trends as (
    select * from {{ ref('booking_trends') }}
),

documents as (
    select
        (submitted_at at time zone '{{ var("rental_timezone") }}')::date
            as submitted_on,
        (reviewed_at at time zone '{{ var("rental_timezone") }}')::date
            as reviewed_on
    from {{ ref('stg_rental__insurance_documents') }}
    where reviewed_at is not null or status = 'pending'
),

moves as (
    select
        submitted_on as moved_on,
        1 as documents
    from documents
    union all
    select
        greatest(submitted_on, reviewed_on) as moved_on,
        -1 as documents
    from documents
    where reviewed_on is not null
    union all
    select
        bucket_date as moved_on,
        0 as documents
    from booking_trends
),

counted as (
    select distinct
        moved_on,
        sum(documents) over (order by moved_on) as insurance_pending
    from moves
),

different as (
    select
        booking_trends.bucket_date,
        booking_trends.insurance_pending as summarized,
        counted.insurance_pending as counted
    from booking_trends
    inner join counted on booking_trends.bucket_date = counted.moved_on
    where booking_trends.insurance_pending <> counted.insurance_pending
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'booking_trends',
    'null::uuid',
    'different.bucket_date',
    'different.bucket_date'
) }}
