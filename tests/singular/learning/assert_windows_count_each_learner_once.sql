with active_learning_days as (
    select * from {{ ref('active_learning_days') }}
),

learning_days as (
    select * from {{ ref('stg_learning__learning_days') }}
),

windows as (
    select
        learning_days.user_id,
        learning_days.learned_on + days.passed as activity_date,
        min(days.passed) as days_passed
    from learning_days
    cross join generate_series(0, 29) as days (passed)
    group by 1, 2
),

counted as (
    select
        activity_date,
        count(*) filter (where days_passed <= 6) as active_learners_7d,
        count(*) as active_learners_30d
    from windows
    group by 1
),

different as (
    select
        active_learning_days.activity_date,
        to_jsonb(active_learning_days) as summarized,
        to_jsonb(counted) as counted
    from active_learning_days
    left join counted
        on active_learning_days.activity_date = counted.activity_date
    where
        active_learning_days.active_learners_7d
        <> coalesce(counted.active_learners_7d, 0)
        or active_learning_days.active_learners_30d
        <> coalesce(counted.active_learners_30d, 0)
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'active_learning_days',
    'null::uuid',
    'different.activity_date - 29',
    'different.activity_date'
) }}
