with streak_dropoffs as (
    select * from {{ ref('streak_dropoffs') }}
),

calendar as (
    select (models.refreshed_through at time zone calendar.timezone)::date
        as today
    from {{ ref('int_learning__calendar') }} as calendar
    inner join orchestrator.models on models.model = 'streak_dropoffs'
),

learners as (
    select * from {{ ref('int_learning__learners') }}
),

days as (
    select distinct
        learning_days.user_id,
        learning_days.learned_on
    from {{ ref('stg_learning__learning_days') }} as learning_days
    inner join learners on learning_days.user_id = learners.user_id
),

neighbours as (
    select
        *,
        lag(learned_on) over learner as previous_on,
        lead(learned_on) over learner as next_on
    from days
    window learner as (partition by user_id order by learned_on)
),

begun as (
    select
        *,
        max(learned_on) filter (
            where previous_on is null or previous_on < learned_on - 1
        ) over (partition by user_id order by learned_on) as begun_on
    from neighbours
),

counted as (
    select
        begun.learned_on - begun.begun_on + 1 as streak_length,
        count(*) as streaks_reached,
        count(*) filter (
            where
            (begun.next_on is null or begun.next_on > begun.learned_on + 1)
            and begun.learned_on < calendar.today - 1
        ) as streaks_ended
    from begun
    cross join calendar
    group by 1
),

different as (
    select
        to_jsonb(streak_dropoffs) as summarized,
        to_jsonb(counted) as counted
    from streak_dropoffs
    full join counted
        on streak_dropoffs.streak_length = counted.streak_length
    where
        streak_dropoffs.streaks_reached
        is distinct from counted.streaks_reached
        or streak_dropoffs.streaks_ended is distinct from counted.streaks_ended
        or streak_dropoffs.dropoff_rate
        <> round(counted.streaks_ended * 100.0 / counted.streaks_reached, 2)
)

select * from different
where
    {{ kpi_engine.has_no_open_request(
        'streak_dropoffs', 'null::uuid', 'null::date', 'null::date'
    ) }}
    and {{ kpi_engine.has_no_open_request(
        'int_learning__streaks', 'null::uuid', 'null::date', 'null::date'
    ) }}
