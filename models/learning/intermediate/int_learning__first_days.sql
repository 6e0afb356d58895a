with learners as (
    select * from {{ kpi_engine.periods(ref('int_learning__learners')) }} as learners
),

learning_days as (
    select * from {{ ref('stg_learning__learning_days') }}
),

final as (
    select
        learners.user_id,
        first_days.learned_on
    from learners

    inner join lateral (
        select min(learning_days.learned_on) as learned_on
        from learning_days
        where learning_days.user_id = learners.user_id
    ) as first_days on first_days.learned_on is not null
)

select * from final
