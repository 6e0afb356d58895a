with dashboard_kpis as (
    select * from {{ ref('dashboard_kpis') }}
),

figures as (
    select
        dashboard_kpis.snapshot_date,
        metrics.metric,
        (metrics.figure ->> 'value')::numeric as figure,
        (metrics.figure ->> 'previous')::numeric as previous,
        (metrics.figure ->> 'change_pct')::numeric as change_pct
    from dashboard_kpis
    cross join
        jsonb_each(dashboard_kpis.metrics) as metrics (metric, figure)
),

different as (
    select
        figures.*,
        week_before.figure as expected
    from figures
    left join figures as week_before
        on
            figures.metric = week_before.metric
            and figures.snapshot_date = week_before.snapshot_date + 7
    where
        figures.previous is distinct from week_before.figure
        or figures.change_pct is distinct from case
            when week_before.figure <> 0
                then round(100 * figures.figure / week_before.figure - 100, 2)
        end
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'dashboard_kpis',
    'null::uuid',
    'different.snapshot_date - 7',
    'different.snapshot_date'
) }}
