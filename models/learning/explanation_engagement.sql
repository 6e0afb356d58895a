with periods as (
    select *
    from {{ kpi_engine.periods(ref('int_learning__activity_calendar')) }} as periods
),

tracks as (
    select * from {{ ref('stg_learning__tracks') }}
),

explanation_views as (
    select * from {{ ref('stg_learning__explanation_views') }}
),

final as (
    select
        counts.track_id,
        periods.activity_date,
        counts.views,
        counts.viewers,
        counts.avg_seconds_read,
        counts.helpful_rate,
        now() as computed_at
    from periods

    inner join lateral (
        select
            explanation_views.track_id,
            count(*)::integer as views,
            count(distinct explanation_views.user_id)::integer as viewers,
            round(avg(explanation_views.seconds_read), 2) as avg_seconds_read,
            {{ kpi_engine.percent_of(
                'count(*) filter (where explanation_views.was_helpful)',
                'count(explanation_views.was_helpful)'
            ) }} as helpful_rate
        from explanation_views
        where {{ kpi_engine.in_period('explanation_views.viewed_at') }}
        group by explanation_views.track_id
    ) as counts on true

    inner join tracks on counts.track_id = tracks.track_id
)

select * from final
