with financial_summary as (
    select * from {{ ref('financial_summary') }}
),

revenue_trends as (
    select * from {{ ref('revenue_trends') }}
),

different as (
    select
        financial_summary.snapshot_date,
        financial_summary.stripe_collections,
        financial_summary.manual_collections,
        revenue_trends.gross_revenue
    from financial_summary
    inner join revenue_trends
        on financial_summary.snapshot_date = revenue_trends.bucket_date
    where
        financial_summary.stripe_collections
        + financial_summary.manual_collections
        <> revenue_trends.gross_revenue
)

select * from different
where
    {{ kpi_engine.has_no_open_request(
        'financial_summary',
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
