-- How much was learned over fourteen days, against the fourteen days before,
-- and how that stands in all.
with settings as (
    select
        14 as days,
        (%(until)s::timestamptz at time zone 'Asia/Jerusalem')::date as until_on
),

calendar as (
    select
        settings.until_on - days_ago as activity_date,
        days_ago <= settings.days as is_recent
    from settings
    cross join lateral generate_series(1, 2 * settings.days) as days_ago
),

quizzes as (
    select
        activity_date,
        round(100.0 * sum(attempts_completed) / sum(attempts_started), 2)
            as completion_rate
    from analytics.quiz_completion_rates
    group by activity_date
),

figures as (
    select
        1 as line_no,
        'Learners a day' as name,
        'FM999,990' as form,
        days.activity_date,
        days.active_learners::numeric as figure,
        'in all: ' || stats.total_learners as note
    from analytics.active_learning_days as days
    cross join analytics.summary_stats as stats

    union all

    select
        2 as line_no,
        'Units a day' as name,
        'FM999,990' as form,
        days.activity_date,
        days.units_completed as figure,
        'streaks: ' || stats.average_streak || ' days' as note
    from analytics.active_learning_days as days
    cross join analytics.summary_stats as stats

    union all

    select
        3 as line_no,
        'Quizzes finished' as name,
        'FM990.0 %%' as form,
        quizzes.activity_date,
        quizzes.completion_rate as figure,
        'in all: ' || round(stats.quiz_completion_rate, 1) || ' %%' as note
    from quizzes
    cross join analytics.summary_stats as stats
),

compared as (
    select
        figures.line_no,
        figures.name,
        figures.form,
        min(figures.note) as note,
        array_agg(figures.figure order by calendar.activity_date)
        filter (where calendar.is_recent) as days,
        avg(figures.figure) filter (where calendar.is_recent) as figure,
        avg(figures.figure) filter (where not calendar.is_recent) as previous
    from calendar
    inner join figures on calendar.activity_date = figures.activity_date
    group by
        figures.line_no,
        figures.name,
        figures.form
)

select
    name,
    days,
    to_char(figure, form) as figure,
    round((figure - previous) / nullif(previous, 0) * 100, 2) as change_pct,
    note
from compared
order by line_no
