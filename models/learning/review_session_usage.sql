with periods as (
    select *
    from {{ kpi_engine.periods(ref('int_learning__activity_calendar')) }} as periods
),

review_sessions as (
    select * from {{ ref('stg_learning__review_sessions') }}
),

final as (
    select
        periods.activity_date,
        counts.sessions,
        counts.learners,
        counts.cards_reviewed,
        counts.avg_minutes,
        now() as computed_at
    from periods

    inner join lateral (
        select
            count(*)::integer as sessions,
            count(distinct review_sessions.user_id)::integer as learners,
            sum(review_sessions.cards_reviewed)::integer as cards_reviewed,
            {{ kpi_engine.avg_duration(
                'review_sessions.started_at',
                'review_sessions.ended_at',
                'minute'
            ) }} as avg_minutes
        from review_sessions
        where {{ kpi_engine.in_period('review_sessions.started_at') }}
    ) as counts on counts.sessions > 0
)

select * from final
