-- Every track at once: their ranks depend on each other, and tracks are few.
with periods as (
    select
        *,
        ({{ kpi_engine.present() }} at time zone timezone)::date as today
    from {{ kpi_engine.periods(ref('int_learning__calendar')) }} as periods
),

tracks as (
    select * from {{ ref('stg_learning__tracks') }}
),

track_days as (
    select * from {{ ref('int_learning__track_days') }}
),

learning_days as (
    select * from {{ ref('stg_learning__learning_days') }}
),

counted as (
    select
        tracks.track_id,
        tracks.title,
        totals.enrolled_learners,
        learners.active_learners_30d,
        totals.units_completed,
        totals.completions_30d
    from periods

    cross join tracks

    inner join lateral (
        select
            coalesce(sum(track_days.enrollments), 0) as enrolled_learners,
            coalesce(sum(track_days.units_completed), 0) as units_completed,
            coalesce(
                sum(track_days.units_completed) filter (
                    where track_days.activity_date > periods.today - 30
                ),
                0
            ) as completions_30d
        from track_days
        where
            track_days.track_id = tracks.track_id
            and track_days.activity_date <= periods.today
    ) as totals on true

    inner join lateral (
        select count(distinct learning_days.user_id) as active_learners_30d
        from learning_days
        where
            learning_days.track_id = tracks.track_id
            and learning_days.learned_on > periods.today - 30
            and learning_days.learned_on <= periods.today
    ) as learners on true
),

final as (
    select
        track_id,
        title,
        enrolled_learners::integer as enrolled_learners,
        active_learners_30d::integer as active_learners_30d,
        units_completed::integer as units_completed,
        completions_30d::integer as completions_30d,
        rank() over (
            order by
                active_learners_30d desc,
                completions_30d desc,
                enrolled_learners desc
        )::integer as popularity_rank,
        now() as computed_at
    from counted
)

select * from final
