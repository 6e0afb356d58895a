with learners as (
    select * from {{ kpi_engine.periods(ref('int_learning__learners')) }} as learners
),

learning_days as (
    select * from {{ ref('stg_learning__learning_days') }}
),

-- Consecutive days less their number in order are one and the same date.
days as (
    select
        learners.user_id,
        learned.learned_on,
        learned.learned_on - (
            row_number() over (
                partition by learners.user_id
                order by learned.learned_on
            )
        )::integer as streak
    from learners

    inner join lateral (
        select distinct learning_days.learned_on
        from learning_days
        where learning_days.user_id = learners.user_id
    ) as learned on true
),

final as (
    select
        user_id,
        min(learned_on) as started_on,
        max(learned_on) as ended_on,
        count(*)::integer as length
    from days
    group by
        user_id,
        streak
)

select * from final
