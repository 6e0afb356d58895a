with dashboard_kpis as (
    select * from {{ ref('dashboard_kpis') }}
),

booking_trends as (
    select * from {{ ref('booking_trends') }}
),

revenue_trends as (
    select * from {{ ref('revenue_trends') }}
),

financial_summary as (
    select * from {{ ref('financial_summary') }}
),

different as (
    select
        dashboard_kpis.snapshot_date,
        dashboard_kpis.metrics,
        booking_trends.bookings,
        revenue_trends.gross_revenue,
        financial_summary.ar_balance
    from dashboard_kpis
    inner join booking_trends
        on dashboard_kpis.snapshot_date = booking_trends.bucket_date
    inner join revenue_trends
        on dashboard_kpis.snapshot_date = revenue_trends.bucket_date
    inner join financial_summary
        on dashboard_kpis.snapshot_date = financial_summary.snapshot_date
    where
        not dashboard_kpis.metrics @> jsonb_build_object(
            'bookings', jsonb_build_object('value', booking_trends.bookings),
            'revenue', jsonb_build_object(
                'value', revenue_trends.gross_revenue
            ),
            'outstanding_balance', jsonb_build_object(
                'value', financial_summary.ar_balance
            )
        )
)

select * from different
where
    {{ kpi_engine.has_no_open_request(
        'dashboard_kpis',
        'null::uuid',
        'different.snapshot_date',
        'different.snapshot_date'
    ) }}
    and {{ kpi_engine.has_no_open_request(
        'booking_trends',
        'null::uuid',
        'different.snapshot_date',
        'different.snapshot_date'
    ) }}
    and {{ kpi_engine.has_no_open_request(
        'revenue_trends',
        'null::uuid',
        'different.snapshot_date',
        'different.snapshot_date'
    ) }}
    and {{ kpi_engine.has_no_open_request(
        'financial_summary',
        'null::uuid',
        'different.snapshot_date',
        'different.snapshot_date'
    ) }}
