-- learning: people who learn a little every day, or mean to. There are no
-- tenants: it is learners who follow the scale.

-- The history, in the app's own days.
create temporary table demo_app on commit drop as
with settings as (
    select
        'Asia/Jerusalem' as timezone,
        array[
            'Daily Mishnah', 'Daily Page', 'Psalms', 'Laws of Speech',
            'Prophets', 'Ethics of the Fathers', 'Weekly Portion', 'Responsa'
        ] as titles,
        greatest(16, round(320 * pg_temp.scale()))::integer as learners
),

dated as (
    select
        *,
        (pg_temp.until_at() at time zone timezone)::date as until_on
    from settings
)

select
    timezone,
    learners,
    titles,
    until_on,
    cardinality(titles) as tracks,
    until_on - pg_temp.history_days() as first_on
from dated;

-- A seventh of the learners were there on the first day, the rest signed up
-- since. Most learn for a few days at a time, some never stop; half of them
-- leave for good; and one in twelve has only looked around.
create temporary table demo_learners on commit drop as
with settings as (
    select
        0.14 as early_share,
        0.5 as leaving_share,
        0.08 as idle_share,
        3 as most_tracks,
        array[7, 9, 12, 13, 18, 20, 20, 21, 21, 22, 23] as busy_hours,
        array[3, 3, 3, 3, 3, 3, 10, 10, 10, 45] as days_on,
        array[5, 5, 5, 5, 5, 5, 2, 2, 2, 0.3] as days_off
),

app as (
    select
        settings.*,
        demo_app.*
    from settings
    cross join demo_app
),

learners as (
    select
        *,
        generate_series(1, learners) as learner_no
    from app
),

placed as (
    select
        *,
        first_on + floor(
            (until_on - first_on)
            * greatest(
                0,
                pg_temp.u('learner joined', learner_no) * (1 + early_share)
                - early_share
            )
        )::integer as joined_on
    from learners
),

joined as (
    select
        *,
        (
            joined_on + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('joined hour', learner_no),
                pg_temp.u('joined minute', learner_no)
            )
        ) at time zone timezone as joined_at
    from placed
)

select
    learner_no,
    timezone,
    tracks,
    joined_on,
    joined_at,
    pg_temp.uuid('learner', learner_no) as user_id,
    case
        when pg_temp.u('leaves', learner_no) < leaving_share
            then
                joined_on + floor(
                    (until_on - joined_on)
                    * pg_temp.u('leaves on', learner_no)
                )::integer
        else until_on
    end as last_on,
    pg_temp.pick(days_on, pg_temp.u('diligence', learner_no)) as days_on,
    pg_temp.pick(days_off, pg_temp.u('diligence', learner_no)) as days_off,
    pg_temp.u('idle', learner_no) < idle_share as is_idle,
    1 + floor(most_tracks * pg_temp.u('tracks', learner_no))::integer
        as learner_tracks
from joined
where joined_at < pg_temp.until_at();

insert into learning.profiles (user_id, created_at)
select
    user_id,
    joined_at
from demo_learners
order by
    joined_at,
    learner_no;

create temporary table demo_tracks on commit drop as
with tracks as (
    select
        titles,
        generate_series(1, tracks) as track_no
    from demo_app
)

select
    track_no,
    titles[track_no] as title,
    pg_temp.uuid('track', track_no) as track_id
from tracks;

insert into learning.tracks (id, title)
select
    track_id,
    title
from demo_tracks
order by track_no;

-- Learners take one to three tracks, the first of the list more often than
-- others, and take them up in their first weeks. The last track is new: a few
-- have enrolled since last week, and nobody has begun.
create temporary table demo_enrollments on commit drop as
with settings as (
    select
        '12 days'::interval as time_between,
        0.06 as new_track_share,
        '10 days'::interval as new_track_age
),

learners as (
    select
        settings.*,
        demo_learners.*,
        demo_learners.tracks - 1 as old_tracks,
        floor(
            (demo_learners.tracks - 1)
            * power(pg_temp.u('first track', demo_learners.learner_no), 2)
        )::integer as first_track_no
    from settings
    cross join demo_learners
),

taken as (
    select
        *,
        generate_series(1, learner_tracks) as nth
    from learners
),

enrollments as (
    select
        learner_no,
        user_id,
        nth,
        1 + (first_track_no + nth - 1) % old_tracks as track_no,
        joined_at + time_between * (nth - 1)
        * pg_temp.u('enrolled', learner_no * 10::bigint + nth) as enrolled_at
    from taken

    union all

    select
        learner_no,
        user_id,
        null as nth,
        tracks as track_no,
        greatest(
            joined_at,
            pg_temp.until_at() - new_track_age
            * pg_temp.u('enrolled', learner_no * 10::bigint)
        ) as enrolled_at
    from learners
    where pg_temp.u('new track', learner_no) < new_track_share
)

select
    *,
    pg_temp.uuid('track', track_no) as track_id
from enrollments;

insert into learning.enrollments (user_id, track_id, enrolled_at)
select
    user_id,
    track_id,
    enrolled_at
from demo_enrollments
where enrolled_at < pg_temp.until_at()
order by
    enrolled_at,
    learner_no,
    track_no;

analyze demo_learners, demo_enrollments;

-- Learners learn in runs of consecutive days, with days off in between, on one
-- of their tracks at a time and now and then on a second one the same day. One
-- unit in thirty is finished past midnight, and is still the day's before.
create temporary table demo_units on commit drop as
with settings as (
    select
        0.07 as second_share,
        30 as days_on_first_track,
        0.03 as past_midnight_share,
        array[
            6, 6, 7, 7, 8, 12, 13, 17, 18, 19, 20, 20, 21, 21, 21, 22, 22, 23
        ] as busy_hours
),

learners as (
    select
        settings.*,
        demo_learners.*
    from settings
    cross join demo_learners
    where not demo_learners.is_idle
),

runs as (
    select
        *,
        generate_series(
            1, 6 + (2 * (last_on - joined_on) / (days_on + days_off))::integer
        ) as run_no
    from learners
),

lengths as (
    select
        *,
        1 + floor(
            pg_temp.wait(
                days_on, pg_temp.u('run', learner_no * 1000::bigint + run_no)
            )
        )::integer as run_days,
        1 + floor(
            pg_temp.wait(
                days_off, pg_temp.u('gap', learner_no * 1000::bigint + run_no)
            )
        )::integer as gap_days
    from runs
),

placed as (
    select
        *,
        joined_on - run_days - gap_days + (
            sum(run_days + gap_days) over (
                partition by learner_no
                order by run_no
            )
        )::integer as starts_on
    from lengths
),

days as (
    select
        *,
        generate_series(
            starts_on - joined_on,
            least(starts_on + run_days - 1, last_on) - joined_on
        ) as day_no
    from placed
),

units as (
    select
        *,
        generate_series(
            (learner_no * 10000::bigint + day_no) * 2,
            (learner_no * 10000::bigint + day_no) * 2 + (
                pg_temp.u('second', learner_no * 10000::bigint + day_no)
                < second_share
            )::integer
        ) as unit_key
    from days
),

opened as (
    select
        *,
        case when day_no < days_on_first_track then 1 else learner_tracks end
            as open_tracks
    from units
),

completed as materialized (
    select
        learner_no,
        user_id,
        joined_at,
        unit_key,
        1 + (run_no + unit_key % 2) % open_tracks as nth,
        joined_on + day_no as learned_on,
        (
            joined_on + day_no + case
                when pg_temp.u('past midnight', unit_key) < past_midnight_share
                    then
                        '24 hours'::interval
                        + '1 hour'::interval
                        * pg_temp.u('learned minute', unit_key)
                else
                    pg_temp.time_of_day(
                        busy_hours,
                        pg_temp.u('learned hour', unit_key),
                        pg_temp.u('learned minute', unit_key)
                    )
            end
        ) at time zone timezone as completed_at
    from opened
    where unit_key % 2 < open_tracks
)

select
    completed.user_id,
    completed.learned_on,
    completed.unit_key,
    completed.completed_at,
    demo_enrollments.track_no,
    demo_enrollments.track_id
from completed
inner join demo_enrollments
    on
        completed.learner_no = demo_enrollments.learner_no
        and completed.nth = demo_enrollments.nth
where
    completed.completed_at >= completed.joined_at
    and completed.completed_at < pg_temp.until_at();

analyze demo_units;

insert into learning.learning_days (
    user_id, track_id, learned_on, completed_at
)
select
    user_id,
    track_id,
    learned_on,
    completed_at
from demo_units
order by
    completed_at,
    unit_key;

-- Every track has three quizzes.
insert into learning.quizzes (id, track_id)
with quizzes as (
    select
        track_no,
        track_id,
        generate_series(1, 3) as quiz_no
    from demo_tracks
)

select
    pg_temp.uuid('quiz', track_no * 100 + quiz_no) as quiz_id,
    track_id
from quizzes;

-- One unit in four is followed by a quiz; of those, one in seven is left
-- unfinished. Scores are what people who have just learned would score.
insert into learning.quiz_attempts (
    id, quiz_id, user_id, started_at, completed_at, score
)
with settings as (
    select
        0.27 as attempted_share,
        0.14 as unfinished_share,
        3 as quizzes,
        '20 minutes'::interval as longest_pause,
        '12 minutes'::interval as longest,
        55 as lowest_score
),

started as (
    select
        settings.*,
        demo_units.user_id,
        demo_units.track_no,
        demo_units.unit_key,
        demo_units.completed_at + settings.longest_pause
        * pg_temp.u('quiz pause', demo_units.unit_key) as started_at
    from settings
    cross join demo_units
    where pg_temp.u('quiz', demo_units.unit_key) < settings.attempted_share
),

completed as (
    select
        *,
        case
            when pg_temp.u('quiz finished', unit_key) >= unfinished_share
                then started_at + longest * pg_temp.u('quiz length', unit_key)
        end as completed_at,
        round(
            (
                lowest_score
                + (100 - lowest_score) * sqrt(pg_temp.u('score', unit_key))
            )::numeric
        ) as score
    from started
)

select
    pg_temp.uuid('quiz attempt', unit_key) as attempt_id,
    pg_temp.uuid(
        'quiz',
        track_no * 100 + 1
        + floor(quizzes * pg_temp.u('which quiz', unit_key))::integer
    ) as quiz_id,
    user_id,
    started_at,
    case when completed_at < pg_temp.until_at() then completed_at end
        as completed_at,
    case when completed_at < pg_temp.until_at() then score end as score
from completed
where started_at < pg_temp.until_at()
order by
    started_at,
    unit_key;

-- Cards are reviewed on one day in three, mostly not on a Saturday, and some
-- sessions are never ended.
insert into learning.review_sessions (
    id, user_id, started_at, ended_at, cards_reviewed
)
with settings as (
    select
        0.34 as reviewed_share,
        0.05 as reviewed_share_on_saturdays,
        0.06 as unended_share,
        '45 minutes'::interval as longest_pause,
        5 as fewest_cards,
        25 as cards_above,
        '20 seconds'::interval as time_a_card
),

started as (
    select
        settings.*,
        demo_units.user_id,
        demo_units.unit_key,
        demo_units.completed_at + settings.longest_pause
        * pg_temp.u('review pause', demo_units.unit_key) as started_at,
        settings.fewest_cards + floor(
            pg_temp.wait(
                settings.cards_above, pg_temp.u('cards', demo_units.unit_key)
            )
        )::integer as cards
    from settings
    cross join demo_units
    where
        pg_temp.u('review', demo_units.unit_key) < case
            when extract(isodow from demo_units.learned_on) = 6
                then settings.reviewed_share_on_saturdays
            else settings.reviewed_share
        end
),

ended as (
    select
        *,
        case
            when pg_temp.u('review ended', unit_key) >= unended_share
                then
                    started_at + cards * time_a_card
                    * (0.5 + pg_temp.u('card speed', unit_key))
        end as ended_at
    from started
)

select
    pg_temp.uuid('review session', unit_key) as session_id,
    user_id,
    started_at,
    case when ended_at < pg_temp.until_at() then ended_at end as ended_at,
    cards
from ended
where started_at < pg_temp.until_at()
order by
    started_at,
    unit_key;

-- Explanations are read before the unit is finished. Few readers say whether
-- one helped, and most of those that do say yes.
insert into learning.explanation_views (
    user_id, track_id, viewed_at, seconds_read, was_helpful
)
with settings as (
    select
        0.6 as views_a_unit,
        '30 minutes'::interval as earliest,
        4 as fewest_seconds,
        50 as seconds_above,
        0.22 as helpful_share,
        0.29 as rated_share
),

units as (
    select
        settings.*,
        demo_units.*
    from settings
    cross join demo_units
),

views as (
    select
        *,
        generate_series(
            unit_key * 10 + 1,
            unit_key * 10 + pg_temp.whole(
                2 * views_a_unit * pg_temp.u('explanations', unit_key),
                pg_temp.u('more explanations', unit_key)
            )
        ) as view_key
    from units
),

viewed as (
    select
        *,
        completed_at - earliest * pg_temp.u('viewed', view_key) as viewed_at
    from views
)

select
    user_id,
    track_id,
    viewed_at,
    fewest_seconds + floor(
        pg_temp.wait(seconds_above, pg_temp.u('read', view_key))
    )::integer as seconds_read,
    case
        when pg_temp.u('rated', view_key) < helpful_share then true
        when pg_temp.u('rated', view_key) < rated_share then false
    end as was_helpful
from viewed
order by
    viewed_at,
    view_key;
