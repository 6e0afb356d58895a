with streaks as (
    select * from {{ ref('int_learning__streaks') }}
),

learners as (
    select * from {{ ref('int_learning__learners') }}
),

learning_days as (
    select distinct
        learning_days.user_id,
        learning_days.learned_on
    from {{ ref('stg_learning__learning_days') }} as learning_days
    inner join learners on learning_days.user_id = learners.user_id
),

days_of_streaks as (
    select
        streaks.user_id,
        days.learned_on::date as learned_on
    from streaks
    cross join lateral generate_series(
        streaks.started_on, streaks.ended_on, interval '1 day'
    ) as days (learned_on)
),

different as (
    select
        coalesce(learning_days.user_id, days_of_streaks.user_id) as user_id,
        coalesce(learning_days.learned_on, days_of_streaks.learned_on)
            as learned_on,
        'not both a day and a day of a streak' as problem
    from learning_days
    full join days_of_streaks
        on
            learning_days.user_id = days_of_streaks.user_id
            and learning_days.learned_on = days_of_streaks.learned_on
    where learning_days.user_id is null or days_of_streaks.user_id is null
    union all
    select
        streaks.user_id,
        streaks.started_on,
        'begins on the day after another' as problem
    from streaks
    inner join streaks as earlier
        on
            streaks.user_id = earlier.user_id
            and streaks.started_on - 1
            between earlier.started_on and earlier.ended_on
)

select * from different
where {{ kpi_engine.has_no_open_request(
    'int_learning__streaks',
    'different.user_id',
    'null::date',
    'null::date'
) }}
