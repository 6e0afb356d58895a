with periods as (
    select *
    from {{ kpi_engine.periods(ref('int_learning__activity_calendar')) }} as periods
),

tracks as (
    select * from {{ ref('stg_learning__tracks') }}
),

learning_days as (
    select * from {{ ref('stg_learning__learning_days') }}
),

enrollments as (
    select * from {{ ref('stg_learning__enrollments') }}
),

final as (
    select
        tracks.track_id,
        periods.activity_date,
        learned.units_completed,
        taken_up.enrollments
    from periods

    cross join tracks

    inner join lateral (
        select count(*)::integer as units_completed
        from learning_days
        where
            learning_days.track_id = tracks.track_id
            and learning_days.learned_on = periods.activity_date
    ) as learned on true

    inner join lateral (
        select count(*)::integer as enrollments
        from enrollments
        where
            enrollments.track_id = tracks.track_id
            and {{ kpi_engine.in_period('enrollments.enrolled_at') }}
    ) as taken_up on true

    where learned.units_completed > 0 or taken_up.enrollments > 0
)

select * from final
