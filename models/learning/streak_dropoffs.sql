-- Every length at once: a streak counts in all lengths up to its own, and as
-- a day passes, streaks of any length end.
with periods as (
    select
        *,
        ({{ kpi_engine.present() }} at time zone timezone)::date - 1 as yesterday
    from {{ kpi_engine.periods(ref('int_learning__calendar')) }} as periods
),

streaks as (
    select * from {{ ref('int_learning__streaks') }}
),

by_length as (
    select
        streaks.length,
        count(*) as streaks,
        count(*) filter (where streaks.ended_on < periods.yesterday)
            as streaks_ended
    from periods
    cross join streaks
    group by streaks.length
),

lengths as (
    select generate_series(1, max(by_length.length)) as streak_length
    from by_length
),

counted as (
    select
        lengths.streak_length,
        sum(by_length.streaks) over (order by lengths.streak_length desc)
            as streaks_reached,
        coalesce(by_length.streaks_ended, 0) as streaks_ended
    from lengths
    left join by_length on lengths.streak_length = by_length.length
),

final as (
    select
        streak_length,
        streaks_reached::integer as streaks_reached,
        streaks_ended::integer as streaks_ended,
        {{ kpi_engine.percent_of('streaks_ended', 'streaks_reached') }} as dropoff_rate,
        now() as computed_at
    from counted
)

select * from final
