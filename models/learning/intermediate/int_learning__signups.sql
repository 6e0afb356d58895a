with periods as (
    select *
    from {{ kpi_engine.periods(ref('int_learning__activity_calendar')) }} as periods
),

profiles as (
    select * from {{ ref('stg_learning__profiles') }}
),

final as (
    select
        periods.activity_date,
        counts.signups
    from periods

    inner join lateral (
        select count(*)::integer as signups
        from profiles
        where {{ kpi_engine.in_period('profiles.created_at') }}
    ) as counts on counts.signups > 0
)

select * from final
