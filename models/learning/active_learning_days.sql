with periods as (
    select * from {{ kpi_engine.periods(ref('int_learning__calendar')) }} as periods
),

learning_days as (
    select * from {{ ref('stg_learning__learning_days') }}
),

first_days as (
    select * from {{ ref('int_learning__first_days') }}
),

final as (
    select
        periods.activity_date,
        counts.active_learners,
        counts.units_completed,
        newcomers.new_learners,
        counts.active_learners_7d,
        counts.active_learners_30d,
        now() as computed_at
    from periods

    inner join lateral (
        select
            count(distinct learning_days.user_id) filter (
                where learning_days.learned_on = periods.activity_date
            )::integer as active_learners,
            count(*) filter (
                where learning_days.learned_on = periods.activity_date
            )::integer as units_completed,
            count(distinct learning_days.user_id) filter (
                where learning_days.learned_on > periods.activity_date - 7
            )::integer as active_learners_7d,
            count(distinct learning_days.user_id)::integer
                as active_learners_30d
        from learning_days
        where
            learning_days.learned_on > periods.activity_date - 30
            and learning_days.learned_on <= periods.activity_date
    ) as counts on true

    inner join lateral (
        select count(*)::integer as new_learners
        from first_days
        where first_days.learned_on = periods.activity_date
    ) as newcomers on true
)

select * from final
