with summary_stats as (
    select * from {{ ref('summary_stats') }}
),

calendar as (
    select
        calendar.timezone,
        (models.refreshed_through at time zone calendar.timezone)::date
            as today
    from {{ ref('int_learning__calendar') }} as calendar
    inner join orchestrator.models on models.model = 'summary_stats'
),

learning_days as (
    select
        learning_days.*,
        calendar.today - learning_days.learned_on as days_ago
    from {{ ref('stg_learning__learning_days') }} as learning_days
    inner join calendar
        on learning_days.learned_on <= calendar.today
),

signed_up as (
    select count(*) as total_learners
    from {{ ref('stg_learning__profiles') }} as profiles
    inner join calendar
        on
            (profiles.created_at at time zone calendar.timezone)::date
            <= calendar.today
),

learned as (
    select
        count(distinct user_id) filter (where days_ago = 0)
            as active_learners_today,
        count(distinct user_id) filter (where days_ago < 7)
            as active_learners_7d,
        count(distinct user_id) filter (where days_ago < 30)
            as active_learners_30d,
        count(*) as units_completed
    from learning_days
),

streaks as (
    select round(avg(ended_on - started_on + 1), 2) as average_streak
    from {{ ref('int_learning__streaks') }}
),

attempted as (
    select
        round(100 * avg((quiz_attempts.completed_at is not null)::integer), 2)
            as quiz_completion_rate
    from {{ ref('stg_learning__quiz_attempts') }} as quiz_attempts
    inner join {{ ref('stg_learning__quizzes') }} as quizzes
        on quiz_attempts.quiz_id = quizzes.quiz_id
    inner join calendar
        on
            (quiz_attempts.started_at at time zone calendar.timezone)::date
            <= calendar.today
),

counted as (
    select
        1 as id,
        signed_up.total_learners,
        learned.active_learners_today,
        learned.active_learners_7d,
        learned.active_learners_30d,
        learned.units_completed,
        streaks.average_streak,
        attempted.quiz_completion_rate
    from calendar
    cross join signed_up
    cross join learned
    cross join streaks
    cross join attempted
),

different as (
    select
        to_jsonb(summary_stats) - 'refreshed_at' as summarized,
        to_jsonb(counted) as counted
    from counted
    left join summary_stats on counted.id = summary_stats.id
    where
        to_jsonb(summary_stats) - 'refreshed_at'
        is distinct from to_jsonb(counted)
)

select * from different
where not exists (
    select from orchestrator.refresh_queue
    where
        refresh_queue.model in (
            'summary_stats',
            'int_learning__signups',
            'active_learning_days',
            'int_learning__track_days',
            'int_learning__streaks',
            'streak_dropoffs',
            'quiz_completion_rates'
        )
)
