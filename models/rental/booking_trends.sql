with periods as (
    select * from {{ periods(ref('int_rental__calendar')) }} as periods
),

bookings as not materialized (
    select * from {{ ref('stg_rental__bookings') }}
),

insurance_documents as (
    select * from {{ ref('stg_rental__insurance_documents') }}
),

final as (
    select
        periods.bucket_date,
        made.status_counts,
        made.bookings,
        cancelled.cancellations,
        pending.insurance_pending,
        now() as computed_at
    from periods

    inner join lateral (
        select
            {{ count_by('bookings.status') }} as status_counts,
            count(*)::integer as bookings
        from bookings
        where {{ during('bookings.created_at') }}
    ) as made on true

    inner join lateral (
        select count(*)::integer as cancellations
        from bookings
        where {{ during('bookings.cancelled_at') }}
    ) as cancelled on true

    inner join lateral (
        select count(*)::integer as insurance_pending
        from insurance_documents
        where
            insurance_documents.submitted_at < periods.ends_at
            and {{ outlasts(
                'insurance_documents.reviewed_at',
                "insurance_documents.status = 'pending'"
            ) }}
    ) as pending on true
)

select * from final
