-- plant: machines of a manufacturer with sites in several countries.

-- Three of four machines run around the clock and every fourth in two shifts,
-- six days a week. Of four one is behind its target, one ahead, and two are
-- close to it. The fourth of all was taken out of use two months ago.
create temporary table demo_assets on commit drop as
with settings as (
    select
        4 as idle_no,
        60 as idle_days,
        array['Press', 'Filler', 'Lathe', 'Packer', 'Mixer', 'Cutter', 'Oven']
            as machines,
        array['Forming', 'Bottling', 'Machining', 'Packaging'] as areas,
        array[1.02, 1.02, 0.86, 1.14] as performances,
        pg_temp.size(10, 5) as asset_count
),

assets as (
    select
        *,
        generate_series(1, asset_count) as asset_no
    from settings
),

placed as (
    select
        *,
        pg_temp.time_zone(asset_no) as timezone
    from assets
),

dated as (
    select
        *,
        (pg_temp.until_at() at time zone timezone)::date as until_on
    from placed
)

select
    asset_no,
    asset_count,
    timezone,
    until_on,
    areas[1 + (asset_no - 1) % cardinality(areas)] as area,
    pg_temp.uuid('asset', asset_no) as asset_id,
    machines[1 + (asset_no - 1) % cardinality(machines)]
    || ' '
    || lpad(asset_no::text, 2, '0') as asset_name,
    asset_no <> idle_no as is_active,
    until_on - pg_temp.history_days() as first_on,
    until_on - (asset_no = idle_no)::integer * idle_days as last_on,
    asset_no % 4 = 0 as has_shifts,
    2 + floor(10 * pg_temp.u('output', asset_no)) as output_a_minute,
    performances[1 + asset_no % 4] as performance,
    round((4 + 36 * pg_temp.u('cost', asset_no))::numeric, 2)
        as cost_per_minute,
    round((0.2 + 5 * pg_temp.u('waste cost', asset_no))::numeric, 2)
        as cost_per_waste_unit
from dated;

insert into plant.assets (
    id,
    name,
    area,
    cost_per_minute,
    cost_per_waste_unit,
    timezone,
    is_active
)
select
    asset_id,
    asset_name,
    area,
    cost_per_minute,
    cost_per_waste_unit,
    timezone,
    is_active
from demo_assets
order by asset_no;

-- Every day that a machine was in use: round the clock, or from six to ten
-- with Saturdays short and Sundays off. No day goes quite like another.
create temporary table demo_asset_days on commit drop as
with settings as (
    select
        1440 as minutes_a_day,
        960 as shift_minutes,
        480 as saturday_minutes,
        '06:00'::time as shift_from
),

assets as (
    select
        settings.*,
        demo_assets.*
    from settings
    cross join demo_assets
),

days as (
    select
        *,
        generate_series(0, last_on - first_on) as day_no
    from assets
),

keyed as (
    select
        *,
        first_on + day_no as local_date,
        (asset_no * 10000 + day_no) * 100000::bigint as day_key
    from days
)

select
    asset_no,
    asset_count,
    asset_id,
    timezone,
    local_date,
    day_key,
    output_a_minute,
    until_on - local_date as days_ago,
    performance * (0.97 + 0.06 * pg_temp.u('asset day', day_key))
        as performance,
    case when has_shifts then shift_from else '00:00'::time end as starts_at,
    case
        when not has_shifts then minutes_a_day
        when extract(isodow from local_date) = 6 then saturday_minutes
        else shift_minutes
    end as planned_minutes
from keyed
where
    not has_shifts
    or extract(isodow from local_date) <> 7;

-- On some days nobody entered a target.
insert into plant.production_targets (
    asset_id, target_date, planned_minutes, target_output
)
select
    asset_id,
    local_date,
    planned_minutes,
    planned_minutes * output_a_minute as target_output
from demo_asset_days
where pg_temp.u('target', day_key) >= 0.03
order by
    local_date,
    asset_no;

-- Machines stop, mostly for minutes, sometimes for hours and past midnight. One
-- stop in fifteen is a matter of safety: of some the severity was not recorded,
-- and some are not resolved. And at this moment one machine is down, and
-- another has been since the day before yesterday.
insert into plant.downtime_events (
    id,
    asset_id,
    started_at,
    ended_at,
    reason_code,
    severity,
    description,
    resolved_at,
    resolved_by
)
with settings as (
    select
        0.8 as stops_a_day,
        3 as most_stops_a_day,
        25 as minutes,
        0.08 as long_share,
        300 as long_minutes,
        0.07 as safety_share,
        10 as hours_to_resolve,
        0.12 as unresolved_share,
        4 as supervisors,
        array['70 minutes', '50 hours']::interval[] as down_now_for,
        array[
            'Mechanical', 'Mechanical', 'Mechanical', 'Electrical',
            'Electrical', 'Changeover', 'Changeover', 'Changeover',
            'Material shortage', 'Material shortage', 'Operator break',
            'Cleaning', 'Cleaning', 'Quality check'
        ] as reasons,
        array['low', 'low', 'medium', 'medium', 'high', 'critical', null, null]
            as severities,
        array[
            'Guard left open', 'Oil on the floor', 'Light curtain broken', null
        ] as descriptions
),

days as (
    select
        settings.*,
        demo_asset_days.*
    from settings
    cross join demo_asset_days
),

numbered as (
    select
        *,
        generate_series(
            day_key + 1,
            day_key + pg_temp.whole(
                least(
                    most_stops_a_day,
                    stops_a_day * pg_temp.volume(10, asset_count)
                ),
                pg_temp.u('stops', day_key)
            )
        ) as stop_key
    from days
),

stops as (
    select
        stop_key,
        asset_id,
        pg_temp.u('safety', stop_key) < safety_share as is_safety,
        (
            local_date + starts_at
            + planned_minutes * '1 minute'::interval
            * pg_temp.u('stop start', stop_key)
        ) at time zone timezone as started_at,
        '1 minute'::interval * (
            1 + pg_temp.wait(
                case
                    when pg_temp.u('stop is long', stop_key) < long_share
                        then long_minutes
                    else minutes
                end,
                pg_temp.u('stop length', stop_key)
            )
        ) as stopped_for
    from numbered

    union all

    select
        demo_assets.asset_no as stop_key,
        demo_assets.asset_id,
        demo_assets.asset_no = 2 as is_safety,
        pg_temp.until_at() - settings.down_now_for[demo_assets.asset_no]
            as started_at,
        null as stopped_for
    from settings
    cross join demo_assets
    where demo_assets.asset_no <= cardinality(settings.down_now_for)
),

ended as (
    select
        settings.*,
        stops.*,
        stops.started_at + stops.stopped_for as ended_at
    from settings
    cross join stops
    where stops.started_at < pg_temp.until_at()
),

resolved as (
    select
        *,
        case
            when
                is_safety
                and pg_temp.u('safety resolved', stop_key) >= unresolved_share
                then
                    ended_at + '1 hour'::interval * pg_temp.wait(
                        hours_to_resolve, pg_temp.u('safety wait', stop_key)
                    )
        end as resolved_at
    from ended
)

select
    pg_temp.uuid('stop', stop_key) as stop_id,
    asset_id,
    started_at,
    case when ended_at < pg_temp.until_at() then ended_at end as ended_at,
    case
        when is_safety then 'Safety Issue'
        else pg_temp.pick(reasons, pg_temp.u('reason', stop_key))
    end as reason_code,
    case
        when is_safety
            then pg_temp.pick(severities, pg_temp.u('severity', stop_key))
    end as severity,
    case
        when is_safety
            then pg_temp.pick(descriptions, pg_temp.u('described', stop_key))
    end as description,
    case when resolved_at < pg_temp.until_at() then resolved_at end
        as resolved_at,
    case
        when resolved_at < pg_temp.until_at()
            then
                pg_temp.uuid(
                    'supervisor',
                    floor(supervisors * pg_temp.u('supervisor', stop_key))
                    ::bigint
                )
    end as resolved_by
from resolved
order by
    started_at,
    stop_key;

-- How long each machine was down on each of its days.
create temporary table demo_downtime on commit drop as
with stops as (
    select
        downtime_events.asset_id,
        downtime_events.started_at at time zone demo_assets.timezone
            as started_at,
        coalesce(downtime_events.ended_at, pg_temp.until_at())
        at time zone demo_assets.timezone as ended_at
    from plant.downtime_events
    inner join demo_assets on downtime_events.asset_id = demo_assets.asset_id
),

days as (
    select
        *,
        generate_series(date_trunc('day', started_at), ended_at, '1 day')
            as day_at
    from stops
)

select
    asset_id,
    day_at::date as local_date,
    sum(
        extract(
            epoch from least(ended_at, day_at + '1 day'::interval)
            - greatest(started_at, day_at)
        )
    ) / 60 as down_minutes
from days
group by
    asset_id,
    day_at;

-- What machines count: each quarter of an hour for the last days, and rolled up
-- into hours before that. A machine that is down makes less; one day in fifteen
-- goes wrong, and much of what it makes is waste.
insert into plant.production_counts (
    asset_id, counted_at, good_count, waste_count
)
with settings as (
    select
        180 as minutes,
        10 as fewest_minutes,
        1440 as most_minutes,
        0.02 as usual_waste_share,
        0.07 as bad_day_share,
        0.12 as bad_day_waste_share,
        9 * least(1, power(pg_temp.scale(), 0.3)) as recent_days,
        15 / least(1, power(pg_temp.scale(), 0.3)) as recent_minutes
),

days as (
    select
        settings.*,
        demo_asset_days.*,
        case
            when demo_asset_days.days_ago <= settings.recent_days
                then settings.recent_minutes
            else
                greatest(
                    settings.fewest_minutes,
                    least(
                        settings.most_minutes,
                        settings.minutes
                        / pg_temp.volume(10, demo_asset_days.asset_count)
                    )
                )
        end as count_minutes,
        greatest(
            0,
            1 - coalesce(demo_downtime.down_minutes, 0)
            / demo_asset_days.planned_minutes
        ) as running_share,
        case
            when
                pg_temp.u('bad day', demo_asset_days.day_key)
                < settings.bad_day_share
                then settings.bad_day_waste_share
            else settings.usual_waste_share
        end as waste_share
    from settings
    cross join demo_asset_days
    left join demo_downtime
        on
            demo_asset_days.asset_id = demo_downtime.asset_id
            and demo_asset_days.local_date = demo_downtime.local_date
),

counts as (
    select
        *,
        generate_series(1, ceil(planned_minutes / count_minutes)::integer)
            as count_no
    from days
),

counted as materialized (
    select
        asset_id,
        day_key + count_no as count_key,
        waste_share,
        output_a_minute * performance * running_share
        * (
            least(count_no * count_minutes, planned_minutes)
            - (count_no - 1) * count_minutes
        )
        * (0.85 + 0.3 * pg_temp.u('good', day_key + count_no)) as good,
        (
            local_date + starts_at
            + least(count_no * count_minutes, planned_minutes)
            * '1 minute'::interval
            - '30 seconds'::interval * pg_temp.u('counted', day_key + count_no)
            - '1 second'::interval
        ) at time zone timezone as counted_at
    from counts
)

select
    asset_id,
    counted_at,
    floor(good)::integer as good_count,
    pg_temp.whole(
        good * waste_share * 2 * pg_temp.u('waste', count_key),
        pg_temp.u('waste unit', count_key)
    ) as waste_count
from counted
where counted_at < pg_temp.until_at()
order by
    counted_at,
    count_key;
