with daily_summaries as (
    select * from {{ ref('daily_summaries') }}
),

assets as (
    select * from {{ ref('stg_plant__assets') }}
    where is_active
),

production_counts as (
    select * from {{ ref('stg_plant__production_counts') }}
),

worked as (
    select
        asset_id,
        target_date as worked_on
    from {{ ref('stg_plant__production_targets') }}
    union distinct
    select
        assets.asset_id,
        (production_counts.counted_at at time zone assets.timezone)::date
    from production_counts
    inner join assets on production_counts.asset_id = assets.asset_id
),

days as (
    select worked.*
    from worked
    inner join assets on worked.asset_id = assets.asset_id
    inner join orchestrator.models
        on
            models.model = 'daily_summaries'
            and worked.worked_on
            < (models.refreshed_through at time zone assets.timezone)::date
),

different as (
    select
        coalesce(daily_summaries.asset_id, days.asset_id) as asset_id,
        coalesce(daily_summaries.report_date, days.worked_on) as worked_on,
        daily_summaries.report_date is null as is_missing
    from daily_summaries
    full join days
        on
            daily_summaries.asset_id = days.asset_id
            and daily_summaries.report_date = days.worked_on
    where daily_summaries.report_date is null or days.worked_on is null
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'daily_summaries',
    'different.asset_id',
    'different.worked_on',
    'different.worked_on'
) }}
