with metrics_daily as (
    select * from {{ ref('metrics_daily') }}
),

accounts as (
    select * from {{ ref('stg_restaurant__accounts') }}
),

worked as (
    select
        account_id,
        location_id,
        started_at as worked_at
    from {{ ref('stg_restaurant__calls') }}
    union all
    select
        account_id,
        location_id,
        created_at
    from {{ ref('stg_restaurant__orders') }}
    union all
    select
        account_id,
        location_id,
        created_at
    from {{ ref('stg_restaurant__reservations') }}
),

days as (
    select distinct
        worked.account_id,
        worked.location_id,
        (worked.worked_at at time zone accounts.timezone)::date as worked_on
    from worked
    inner join accounts on worked.account_id = accounts.account_id
    inner join orchestrator.models
        on
            models.model = 'metrics_daily'
            and (worked.worked_at at time zone accounts.timezone)::date
            <= (models.refreshed_through at time zone accounts.timezone)::date
),

different as (
    select
        coalesce(metrics_daily.account_id, days.account_id) as account_id,
        coalesce(metrics_daily.location_id, days.location_id) as location_id,
        coalesce(metrics_daily.date, days.worked_on) as worked_on,
        metrics_daily.date is null as is_missing
    from metrics_daily
    full join days
        on
            metrics_daily.account_id = days.account_id
            and metrics_daily.location_id = days.location_id
            and metrics_daily.date = days.worked_on
    where metrics_daily.date is null or days.worked_on is null
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'metrics_daily',
    'different.account_id',
    'different.worked_on',
    'different.worked_on'
) }}
