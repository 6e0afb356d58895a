with periods as (
    select * from {{ kpi_engine.periods(ref('int_rental__calendar')) }} as periods
),

bookings as not materialized (
    select * from {{ ref('stg_rental__bookings') }}
),

insurance_documents as (
    select * from {{ ref('stg_rental__insurance_documents') }}
),

{{ kpi_engine.open_at_end(
    'pending',
    'insurance_documents',
    opened='insurance_documents.submitted_at',
    closed='insurance_documents.reviewed_at',
    still="insurance_documents.status = 'pending'"
) }},

final as (
    select
        periods.bucket_date,
        made.status_counts,
        made.bookings,
        cancelled.cancellations,
        pending.total::integer as insurance_pending,
        now() as computed_at
    from periods

    inner join lateral (
        select
            {{ kpi_engine.count_by('bookings.status') }} as status_counts,
            count(*)::integer as bookings
        from bookings
        where {{ kpi_engine.in_period('bookings.created_at') }}
    ) as made on true

    inner join lateral (
        select count(*)::integer as cancellations
        from bookings
        where {{ kpi_engine.in_period('bookings.cancelled_at') }}
    ) as cancelled on true

    inner join pending on periods.ends_at = pending.at
)

select * from final
