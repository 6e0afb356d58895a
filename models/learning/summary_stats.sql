-- The one row at once: it sums tables that are small beside their sources.
with periods as (
    select
        *,
        ({{ kpi_engine.present() }} at time zone timezone)::date as today
    from {{ kpi_engine.periods(ref('int_learning__calendar')) }} as periods
),

signups as (
    select coalesce(sum(signups), 0)::integer as total_learners
    from {{ ref('int_learning__signups') }}
),

active_learning_days as (
    select * from {{ ref('active_learning_days') }}
),

track_days as (
    select coalesce(sum(units_completed), 0)::integer as units_completed
    from {{ ref('int_learning__track_days') }}
),

streaks as (
    select
        round(
            sum(streaks_reached)::numeric
            / sum(streaks_reached) filter (where streak_length = 1),
            2
        ) as average_streak
    from {{ ref('streak_dropoffs') }}
),

-- By quiz: one that is deleted takes its rows along, and only it says so.
attempts as (
    select
        {{ kpi_engine.percent_of('sum(attempts_completed)', 'sum(attempts_started)') }}
            as quiz_completion_rate
    from {{ ref('quiz_completion_rates') }} as rates
    inner join {{ ref('stg_learning__quizzes') }} as quizzes
        on rates.quiz_id = quizzes.quiz_id
),

final as (
    select
        1 as id,
        signups.total_learners,
        track_days.units_completed,
        streaks.average_streak,
        attempts.quiz_completion_rate,
        coalesce(today.active_learners, 0) as active_learners_today,
        coalesce(today.active_learners_7d, 0) as active_learners_7d,
        coalesce(today.active_learners_30d, 0) as active_learners_30d,
        now() as refreshed_at
    from periods
    cross join signups
    cross join track_days
    cross join streaks
    cross join attempts
    left join active_learning_days as today
        on periods.today = today.activity_date
)

select * from final
