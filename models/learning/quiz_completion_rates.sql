with periods as (
    select *
    from {{ kpi_engine.periods(ref('int_learning__activity_calendar')) }} as periods
),

quizzes as (
    select * from {{ ref('stg_learning__quizzes') }}
),

quiz_attempts as (
    select * from {{ ref('stg_learning__quiz_attempts') }}
),

final as (
    select
        counts.quiz_id,
        periods.activity_date,
        counts.attempts_started,
        counts.attempts_completed,
        {{ kpi_engine.percent_of(
            'counts.attempts_completed', 'counts.attempts_started'
        ) }}
            as completion_rate,
        counts.avg_score,
        now() as computed_at
    from periods

    inner join lateral (
        select
            quiz_attempts.quiz_id,
            count(*)::integer as attempts_started,
            count(quiz_attempts.completed_at)::integer as attempts_completed,
            round(
                avg(quiz_attempts.score) filter (
                    where quiz_attempts.completed_at is not null
                ),
                2
            ) as avg_score
        from quiz_attempts
        where {{ kpi_engine.in_period('quiz_attempts.started_at') }}
        group by quiz_attempts.quiz_id
    ) as counts on true

    inner join quizzes on counts.quiz_id = quizzes.quiz_id
)

select * from final
