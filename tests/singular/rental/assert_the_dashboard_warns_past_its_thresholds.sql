{% set thresholds = var('dashboard_thresholds') %}

with dashboard_kpis as (
    select * from {{ ref('dashboard_kpis') }}
),

days as (
    select
        dashboard_kpis.*,
        dashboard_kpis.snapshot_date < (
            models.refreshed_through
            at time zone '{{ var("rental_timezone") }}'
        )::date as is_over
    from dashboard_kpis
    inner join orchestrator.models on models.model = 'dashboard_kpis'
),

warned as (
    select
        days.snapshot_date,
        alerts.alert ->> 'type' as alert_type,
        alerts.alert ->> 'severity' as severity
    from days
    cross join jsonb_array_elements(days.alerts) as alerts (alert)
    where alerts.alert ->> 'message' <> ''
),

expected as (
    select
        snapshot_date,
        'bookings_drop' as alert_type,
        'medium' as severity
    from days
    where
        is_over
        and metrics
        @@ '$.bookings.change_pct <= -{{ thresholds.bookings_drop_pct }}'
    union all
    select
        snapshot_date,
        'revenue_drop' as alert_type,
        'high' as severity
    from days
    where
        is_over
        and metrics
        @@ '$.revenue.change_pct <= -{{ thresholds.revenue_drop_pct }}'
    union all
    select
        snapshot_date,
        'utilization_low' as alert_type,
        'medium' as severity
    from days
    where
        metrics
        @@ '$.utilization_pct.value < {{ thresholds.utilization_low_pct }}'
    union all
    select
        snapshot_date,
        'outstanding_balance_high' as alert_type,
        'high' as severity
    from days
    where
        metrics
        @@ '$.outstanding_balance.value > {{
            thresholds.outstanding_balance_high }}'
),

different as (
    select
        coalesce(warned.snapshot_date, expected.snapshot_date) as snapshot_date,
        coalesce(warned.alert_type, expected.alert_type) as alert_type,
        coalesce(warned.severity, expected.severity) as severity,
        case
            when expected.alert_type is null then 'uncalled for'
            else 'missing'
        end as problem
    from warned
    full join expected
        on
            warned.snapshot_date = expected.snapshot_date
            and warned.alert_type = expected.alert_type
            and warned.severity = expected.severity
    where warned.alert_type is null or expected.alert_type is null
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'dashboard_kpis',
    'null::uuid',
    'different.snapshot_date - 7',
    'different.snapshot_date'
) }}
