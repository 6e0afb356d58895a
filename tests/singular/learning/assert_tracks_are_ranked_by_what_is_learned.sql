with popular_tracks as (
    select * from {{ ref('popular_tracks') }}
),

calendar as (
    select
        calendar.timezone,
        (models.refreshed_through at time zone calendar.timezone)::date
            as today
    from {{ ref('int_learning__calendar') }} as calendar
    inner join orchestrator.models on models.model = 'popular_tracks'
),

learned as (
    select
        learning_days.track_id,
        count(*) as units_completed,
        count(*) filter (where calendar.today - learning_days.learned_on < 30)
            as completions_30d,
        count(distinct learning_days.user_id) filter (
            where calendar.today - learning_days.learned_on < 30
        ) as active_learners_30d
    from {{ ref('stg_learning__learning_days') }} as learning_days
    inner join calendar on learning_days.learned_on <= calendar.today
    group by 1
),

enrolled as (
    select
        enrollments.track_id,
        count(*) as enrolled_learners
    from {{ ref('stg_learning__enrollments') }} as enrollments
    inner join calendar
        on
            (enrollments.enrolled_at at time zone calendar.timezone)::date
            <= calendar.today
    group by 1
),

counted as (
    select
        tracks.track_id,
        tracks.title,
        coalesce(enrolled.enrolled_learners, 0) as enrolled_learners,
        coalesce(learned.active_learners_30d, 0) as active_learners_30d,
        coalesce(learned.units_completed, 0) as units_completed,
        coalesce(learned.completions_30d, 0) as completions_30d
    from {{ ref('stg_learning__tracks') }} as tracks
    left join enrolled on tracks.track_id = enrolled.track_id
    left join learned on tracks.track_id = learned.track_id
),

ranked as (
    select
        counted.*,
        (
            select count(*) + 1
            from counted as rivals
            where
                (
                    rivals.active_learners_30d,
                    rivals.completions_30d,
                    rivals.enrolled_learners
                ) > (
                    counted.active_learners_30d,
                    counted.completions_30d,
                    counted.enrolled_learners
                )
        ) as popularity_rank
    from counted
),

different as (
    select
        to_jsonb(popular_tracks) - 'computed_at' as summarized,
        to_jsonb(ranked) as counted
    from ranked
    left join popular_tracks on ranked.track_id = popular_tracks.track_id
    where
        to_jsonb(popular_tracks) - 'computed_at'
        is distinct from to_jsonb(ranked)
)

select * from different
where
    {{ kpi_engine.has_no_open_request(
        'popular_tracks', 'null::uuid', 'null::date', 'null::date'
    ) }}
    and {{ kpi_engine.has_no_open_request(
        'int_learning__track_days', 'null::uuid', 'null::date', 'null::date'
    ) }}
