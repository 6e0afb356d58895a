"""The learning app's summaries, straight from the source tables."""

ACTIVE_LEARNING_DAYS = """
select
    day::date as activity_date,
    (
        select count(distinct user_id) from learning.learning_days
        where learned_on = day
    ) as active_learners,
    (select count(*) from learning.learning_days where learned_on = day)
        as units_completed,
    (
        select count(distinct user_id)
        from learning.learning_days l
        where
            learned_on = day
            and not exists (
                select from learning.learning_days earlier
                where earlier.user_id = l.user_id and earlier.learned_on < day
            )
    ) as new_learners,
    (
        select count(distinct user_id) from learning.learning_days
        where learned_on between day::date - 6 and day
    ) as active_learners_7d,
    (
        select count(distinct user_id) from learning.learning_days
        where learned_on between day::date - 29 and day
    ) as active_learners_30d
from generate_series(
    (
        select min(created_at at time zone 'Asia/Jerusalem')::date
        from learning.profiles
    ),
    (%(now)s at time zone 'Asia/Jerusalem')::date,
    interval '1 day'
) as day
"""

POPULAR_TRACKS = """
with today as (
    select (%(now)s at time zone 'Asia/Jerusalem')::date as today
),
counted as (
    select
        id as track_id,
        title,
        (
            select count(*) from learning.enrollments
            where track_id = tracks.id and enrolled_at < %(now)s
        ) as enrolled_learners,
        (
            select count(distinct user_id) from learning.learning_days
            where track_id = tracks.id and learned_on between today - 29 and today
        ) as active_learners_30d,
        (
            select count(*) from learning.learning_days
            where track_id = tracks.id and learned_on <= today
        ) as units_completed,
        (
            select count(*) from learning.learning_days
            where track_id = tracks.id and learned_on between today - 29 and today
        ) as completions_30d
    from learning.tracks, today
)
select
    *,
    (
        select 1 + count(*)
        from counted better
        where
            (better.active_learners_30d, better.completions_30d,
            better.enrolled_learners)
            > (counted.active_learners_30d, counted.completions_30d,
            counted.enrolled_learners)
    ) as popularity_rank
from counted
"""

STREAK_DROPOFFS = """
with recursive learned as (
    select distinct user_id, learned_on from learning.learning_days
),
-- From each day without a day before it, on to the day after as long as there is.
runs as (
    select user_id, learned_on as started_on, learned_on as day, 1 as length
    from learned first
    where not exists (
        select from learned l
        where l.user_id = first.user_id and l.learned_on = first.learned_on - 1
    )
    union all
    select runs.user_id, runs.started_on, learned.learned_on, runs.length + 1
    from runs
    join learned
        on learned.user_id = runs.user_id and learned.learned_on = runs.day + 1
),
-- A row for each day of a run: so many runs were that long.
reached as (
    select
        length as streak_length,
        count(*) as runs,
        count(*) filter (
            where
                day < (%(now)s at time zone 'Asia/Jerusalem')::date - 1
                and (user_id, day + 1) not in (select * from learned)
        ) as ended
    from runs
    group by 1
)
select
    streak_length,
    runs as streaks_reached,
    ended as streaks_ended,
    round(100.0 * ended / runs, 2) as dropoff_rate
from reached
"""

QUIZ_COMPLETION_RATES = """
select
    quiz_id,
    (started_at at time zone 'Asia/Jerusalem')::date as activity_date,
    count(*) as attempts_started,
    count(completed_at) as attempts_completed,
    round(100.0 * count(completed_at) / count(*), 2) as completion_rate,
    round(avg(case when completed_at is not null then score end), 2) as avg_score
from learning.quiz_attempts
where started_at < %(now)s
group by 1, 2
"""

REVIEW_SESSION_USAGE = """
select
    (started_at at time zone 'Asia/Jerusalem')::date as activity_date,
    count(*) as sessions,
    count(distinct user_id) as learners,
    sum(cards_reviewed) as cards_reviewed,
    round(avg(extract(epoch from ended_at - started_at)) / 60, 2) as avg_minutes
from learning.review_sessions
where started_at < %(now)s
group by 1
"""

EXPLANATION_ENGAGEMENT = """
select
    track_id,
    (viewed_at at time zone 'Asia/Jerusalem')::date as activity_date,
    count(*) as views,
    count(distinct user_id) as viewers,
    round(avg(seconds_read), 2) as avg_seconds_read,
    round(avg(case was_helpful when true then 100.0 when false then 0 end), 2)
        as helpful_rate
from learning.explanation_views
where viewed_at < %(now)s
group by 1, 2
"""

# A run of consecutive days has its number of days between its first and last.
SUMMARY_STATS = """
with today as (
    select (%(now)s at time zone 'Asia/Jerusalem')::date as today
),
runs as (
    select count(*) as days
    from (
        select
            user_id,
            learned_on - dense_rank() over (partition by user_id order by learned_on)
            ::int as run
        from (select distinct user_id, learned_on from learning.learning_days) as days
    ) as numbered
    group by user_id, run
)
select
    1 as id,
    (select count(*) from learning.profiles) as total_learners,
    (
        select count(distinct user_id) from learning.learning_days
        where learned_on = today
    ) as active_learners_today,
    (
        select count(distinct user_id) from learning.learning_days
        where learned_on > today - 7 and learned_on <= today
    ) as active_learners_7d,
    (
        select count(distinct user_id) from learning.learning_days
        where learned_on > today - 30 and learned_on <= today
    ) as active_learners_30d,
    (select count(*) from learning.learning_days) as units_completed,
    (select round(avg(days), 2) from runs) as average_streak,
    (
        select round(100.0 * count(completed_at) / nullif(count(*), 0), 2)
        from learning.quiz_attempts
    ) as quiz_completion_rate
from today
"""

QUERIES = {
    "active_learning_days": ACTIVE_LEARNING_DAYS,
    "popular_tracks": POPULAR_TRACKS,
    "streak_dropoffs": STREAK_DROPOFFS,
    "quiz_completion_rates": QUIZ_COMPLETION_RATES,
    "review_session_usage": REVIEW_SESSION_USAGE,
    "explanation_engagement": EXPLANATION_ENGAGEMENT,
    "summary_stats": SUMMARY_STATS,
}
