"""The plant's summaries, straight from the source tables."""

# A day falls into pieces between the moments at which a stop begins or ends; of
# each piece it is asked whether the machine was down in it.
DAILY_SUMMARIES = """
with days as (
    select
        a.*,
        day::date as day,
        day::timestamp at time zone a.timezone as begins,
        (day + interval '1 day')::timestamp at time zone a.timezone as ends
    from plant.assets a,
        generate_series(
            (
                select
                    least(
                        min(target_date),
                        (
                            select min(counted_at at time zone a.timezone)::date
                            from plant.production_counts
                            where asset_id = a.id
                        )
                    )
                from plant.production_targets
                where asset_id = a.id
            ),
            (%(now)s at time zone a.timezone)::date - 1,
            interval '1 day'
        ) as day
    where a.is_active
),
stops as (
    select
        d.id,
        d.day,
        e.reason_code,
        greatest(e.started_at, d.begins) as down_from,
        least(coalesce(e.ended_at, 'infinity'), d.ends) as down_to
    from days d
    join plant.downtime_events e
        on e.asset_id = d.id
        and e.started_at < d.ends
        and coalesce(e.ended_at, 'infinity') > d.begins
),
moments as (
    select
        id,
        day,
        at,
        lead(at) over (partition by id, day order by at) as next_at
    from (
        select id, day, down_from as at from stops
        union
        select id, day, down_to from stops
    ) as edges
),
down as (
    select id, day, sum(extract(epoch from next_at - at)) as seconds
    from moments m
    where exists (
        select from stops s
        where
            s.id = m.id
            and s.day = m.day
            and s.down_from <= m.at
            and s.down_to >= m.next_at
    )
    group by 1, 2
),
reasons as (
    select distinct on (id, day) id, day, reason_code
    from (
        select
            id,
            day,
            reason_code,
            sum(extract(epoch from down_to - down_from)) as seconds
        from stops
        group by 1, 2, 3
    ) as by_reason
    order by id, day, seconds desc, reason_code
),
counts as (
    select
        a.id,
        (c.counted_at at time zone a.timezone)::date as day,
        sum(c.good_count) as good,
        sum(c.waste_count) as waste
    from plant.production_counts c
    join plant.assets a on a.id = c.asset_id
    group by 1, 2
),
figures as (
    select
        d.id,
        d.day,
        d.name,
        coalesce(c.good, 0) as good,
        coalesce(c.waste, 0) as waste,
        t.target_output as target,
        nullif(t.planned_minutes, 0)::numeric as planned,
        coalesce(down.seconds, 0) as down,
        greatest(60 * t.planned_minutes - coalesce(down.seconds, 0), 0) as running,
        d.cost_per_minute,
        d.cost_per_waste_unit,
        r.reason_code
    from days d
    left join counts c on c.id = d.id and c.day = d.day
    left join plant.production_targets t
        on t.asset_id = d.id and t.target_date = d.day
    left join down on down.id = d.id and down.day = d.day
    left join reasons r on r.id = d.id and r.day = d.day
    where c.id is not null or t.asset_id is not null
),
rated as (
    select
        *,
        -- As fractions with a common denominator: whichever of the speeds is
        -- less, planned or possible, and no share above one or below zero.
        case
            when target = 0 or planned is null then null
            when running = 0 or good <= 0 or good + waste <= 0 then 0
            else round(
                100 * least(good, good + waste)
                * least(running * target, (good + waste) * planned * 60)
                / ((good + waste) * planned * 60 * target),
                2
            )
        end as oee,
        round(
            (down * cost_per_minute + 60 * waste * cost_per_waste_unit) / 60, 2
        ) as loss
    from figures
)
select
    md5('["' || id || '", "' || day || '"]')::uuid as id,
    id as asset_id,
    day as report_date,
    oee as oee_percentage,
    good as actual_output,
    target as target_output,
    round(down / 60, 2) as downtime_minutes,
    waste as waste_count,
    loss as financial_loss_dollars,
    array_remove(
        array[
            name,
            nullif(good, 0)::text,
            target::text,
            oee::text,
            nullif(waste, 0)::text,
            reason_code,
            nullif(loss, 0)::text
        ],
        null
    ) as smart_summary_text
from rated
"""

LIVE_SNAPSHOTS = """
with quarters as (
    select
        a.id as machine,
        a.timezone,
        quarter,
        (quarter at time zone a.timezone)::date as day
    from plant.assets a,
        generate_series(
            date_bin('15 minutes', %(now)s, '2000-01-01') - interval '7 days',
            %(now)s,
            interval '15 minutes'
        ) as quarter
    where a.is_active
),
clocks as (
    select
        *,
        extract(epoch from quarter - day::timestamp at time zone timezone) as gone,
        extract(
            epoch from
            (day + 1)::timestamp at time zone timezone
            - day::timestamp at time zone timezone
        ) as day_length
    from quarters
),
counts as materialized (
    select
        a.id as machine,
        (c.counted_at at time zone a.timezone)::date as day,
        c.counted_at,
        c.good_count
    from plant.production_counts c
    join plant.assets a on a.id = c.asset_id
    where c.counted_at > %(now)s - interval '9 days'
),
figures as (
    select
        clocks.machine,
        clocks.quarter,
        coalesce(sum(counts.good_count), 0) as current_output,
        round(max(targets.target_output) * max(gone) / max(day_length))
            as target_output
    from clocks
    left join counts
        on counts.machine = clocks.machine
        and counts.day = clocks.day
        and counts.counted_at < clocks.quarter
    left join plant.production_targets targets
        on targets.asset_id = clocks.machine
        and targets.target_date = clocks.day
    group by 1, 2
)
select
    md5(
        format(
            '["%%s", "%%s"]',
            machine,
            to_char(quarter at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
        )
    )::uuid as id,
    machine as asset_id,
    quarter as snapshot_timestamp,
    current_output,
    target_output,
    current_output - target_output as output_variance,
    case
        when current_output * 100 < target_output * 95 then 'behind'
        when current_output * 100 > target_output * 105 then 'ahead'
        when target_output is not null then 'on_target'
    end as status
from figures
"""

# The log keeps what the source has forgotten since: `remembered` is how that was.
SAFETY_EVENTS = """
with events as (
    select * from plant.downtime_events
    union all
    select * from remembered
    where id not in (select id from plant.downtime_events)
)
select
    id,
    asset_id,
    started_at as event_timestamp,
    reason_code,
    coalesce(severity, 'medium') as severity,
    description,
    resolved_at is not null as is_resolved,
    resolved_at,
    resolved_by
from events
where reason_code = 'Safety Issue' and started_at <= %(now)s
"""

QUERIES = {
    "daily_summaries": DAILY_SUMMARIES,
    "live_snapshots": LIVE_SNAPSHOTS,
    "safety_events": SAFETY_EVENTS,
}
