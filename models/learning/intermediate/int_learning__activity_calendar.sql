with calendar as (
    select * from {{ ref('int_learning__calendar') }}
),

enrollments as (
    select * from {{ ref('stg_learning__enrollments') }}
),

learning_days as (
    select * from {{ ref('stg_learning__learning_days') }}
),

quiz_attempts as (
    select * from {{ ref('stg_learning__quiz_attempts') }}
),

review_sessions as (
    select * from {{ ref('stg_learning__review_sessions') }}
),

explanation_views as (
    select * from {{ ref('stg_learning__explanation_views') }}
),

-- By subselects: the whole past is rarely asked for, and then an index answers
-- each.
first_days as (
    select
        calendar.*,
        (
            select min(enrollments.enrolled_at) from enrollments
        ) as enrolled_at,
        (
            select min(learning_days.learned_on)::timestamp from learning_days
        ) as learned_on,
        (
            select min(quiz_attempts.started_at) from quiz_attempts
        ) as attempted_at,
        (
            select min(review_sessions.started_at) from review_sessions
        ) as reviewed_at,
        (
            select min(explanation_views.viewed_at) from explanation_views
        ) as viewed_at
    from calendar
)

select
    timezone,
    is_active,
    least(
        started_at,
        enrolled_at,
        {{ kpi_engine.local_instant('learned_on', 'timezone') }},
        attempted_at,
        reviewed_at,
        viewed_at
    ) as started_at
from first_days
