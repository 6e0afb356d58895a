with daily_summaries as (
    select * from {{ ref('daily_summaries') }}
),

production_targets as (
    select * from {{ ref('stg_plant__production_targets') }}
    where planned_minutes > 0 and target_output > 0
),

shares as (
    select
        daily_summaries.asset_id,
        daily_summaries.report_date,
        daily_summaries.oee_percentage,
        production_targets.target_date is not null as is_planned,
        1 - daily_summaries.downtime_minutes
        / production_targets.planned_minutes as of_time,
        (daily_summaries.actual_output + daily_summaries.waste_count)::numeric
        / production_targets.target_output as of_output,
        daily_summaries.actual_output::numeric / nullif(
            daily_summaries.actual_output + daily_summaries.waste_count, 0
        ) as of_quality
    from daily_summaries
    left join production_targets
        on
            daily_summaries.asset_id = production_targets.asset_id
            and daily_summaries.report_date = production_targets.target_date
),

different as (
    select
        asset_id,
        report_date,
        oee_percentage,
        is_planned,
        100 * greatest(least(of_time, of_output), 0)
        * greatest(least(coalesce(of_quality, 0), 1), 0) as expected
    from shares
)

select * from different
where
    (
        is_planned <> (oee_percentage is not null)
        or abs(oee_percentage - expected) > 0.01
    )
    and {{ kpi_engine.has_no_open_request(
        'daily_summaries',
        'different.asset_id',
        'different.report_date',
        'different.report_date'
    ) }}
