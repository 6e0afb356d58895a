-- community: residents, guards and visitors of communities the world over.

-- Founded one after the other, in time zones of all kinds, some larger than
-- others. The seventh was given up two months ago and is no longer active.
create temporary table demo_communities on commit drop as
with settings as (
    select
        0.75 as founded_by,
        7 as given_up_no,
        60 as given_up_days_ago,
        array['Maple', 'Harbour', 'Olive', 'Lotus', 'Banyan', 'Quarry', 'Cedar']
            as places,
        array['Court', 'Gardens', 'Heights', 'Terrace', 'Park'] as kinds,
        pg_temp.size(12, 7) as communities,
        pg_temp.size(30, 5) as units
),

communities as (
    select
        *,
        generate_series(1, communities) as community_no
    from settings
),

placed as (
    select
        *,
        pg_temp.time_zone(community_no) as timezone,
        0.5 + pg_temp.u('community size', community_no) as community_size,
        floor(
            pg_temp.history_days() * founded_by
            * power((community_no - 1.0) / communities, 2)
        )::integer as founded_day_no
    from communities
),

dated as (
    select
        *,
        (pg_temp.until_at() at time zone timezone)::date as until_on
    from placed
)

select
    community_no,
    timezone,
    pg_temp.uuid('community', community_no) as community_id,
    places[1 + (community_no - 1) % cardinality(places)]
    || ' '
    || kinds[1 + (community_no - 1) % cardinality(kinds)] as community_name,
    community_no <> given_up_no as is_active,
    until_on - pg_temp.history_days() as first_on,
    until_on - pg_temp.history_days() + founded_day_no as founded_on,
    until_on - (community_no = given_up_no)::integer * given_up_days_ago
        as last_on,
    (until_on - pg_temp.history_days() + founded_day_no + '09:00'::time)
    at time zone timezone as founded_at,
    ceil(units * community_size)::integer as units,
    community_size * pg_temp.volume(12, communities) as volume
from dated;

insert into community.communities (id, name, timezone, is_active, created_at)
select
    community_id,
    community_name,
    timezone,
    is_active,
    founded_at
from demo_communities;

create temporary table demo_units on commit drop as
with units as (
    select
        *,
        generate_series(1, units) as unit_no
    from demo_communities
)

select
    community_no,
    community_id,
    timezone,
    founded_on,
    founded_at,
    last_on,
    unit_no,
    community_no * 100000 + unit_no as unit_key,
    pg_temp.uuid('unit', community_no * 100000 + unit_no) as unit_id
from units;

-- Ten units to a floor.
insert into community.units (id, community_id, label)
select
    unit_id,
    community_id,
    1 + (unit_no - 1) / 10 || '-' || chr(65 + (unit_no - 1) % 10) as unit_label
from demo_units;

-- A manager runs two communities; each also has a board member, who is an
-- admin too, and three guards. One unit in ten stands empty.
insert into community.community_members (community_id, user_id, role)
with guards as (
    select
        community_no,
        community_id,
        generate_series(1, 3) as guard_no
    from demo_communities
)

select
    community_id,
    pg_temp.uuid('manager', (community_no + 1) / 2) as user_id,
    'admin' as member_role
from demo_communities

union all

select
    community_id,
    pg_temp.uuid('board member', community_no) as user_id,
    'admin' as member_role
from demo_communities

union all

select
    community_id,
    pg_temp.uuid('guard', community_no * 100 + guard_no) as user_id,
    'guard' as member_role
from guards

union all

select
    community_id,
    pg_temp.uuid('resident', unit_key) as user_id,
    'resident' as member_role
from demo_units
where pg_temp.u('unit is lived in', unit_key) >= 0.1;

-- Every day of a community, and the two weeks ahead that can be reserved
-- already. A day is busy with errands on weekdays, with leisure at weekends.
-- Between its key and the next day's there is room for all that happens on it.
create temporary table demo_community_days on commit drop as
with settings as (
    select
        14 as days_ahead,
        0.75 as errands_at_weekends,
        1.6 as leisure_at_weekends
),

communities as (
    select
        settings.*,
        demo_communities.*
    from settings
    cross join demo_communities
),

days as (
    select
        *,
        generate_series(
            founded_on - first_on, last_on + days_ahead - first_on
        ) as day_no
    from communities
),

keyed as (
    select
        *,
        first_on + day_no as local_date,
        (community_no * 10000 + day_no) * 100000::bigint as day_key
    from days
)

select
    community_no,
    community_id,
    timezone,
    units,
    founded_at,
    local_date,
    day_key,
    volume,
    volume * pg_temp.busyness(
        local_date,
        timezone,
        day_no,
        errands_at_weekends,
        pg_temp.u('community day', day_key)
    ) as errands,
    volume * pg_temp.busyness(
        local_date,
        timezone,
        day_no,
        leisure_at_weekends,
        pg_temp.u('community day', day_key)
    ) as leisure
from keyed;

analyze demo_communities, demo_units, demo_community_days;

-- Entries peak in the morning and in the evening. Visitors come back, some
-- weekly and most never again; a few give no name. One entry in a hundred
-- reaches the database days late.
insert into community.access_logs (
    community_id, unit_id, visitor_id, entry_type, decision, occurred_at
)
with settings as (
    select
        14.0 as entries_a_day,
        0.04 as denied_share,
        0.1 as nameless_share,
        0.01 as late_share,
        '4 days'::interval as latest,
        array[
            0, 1, 5, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 8, 9, 9, 10, 11, 12, 13, 14,
            15, 16, 16, 17, 17, 17, 18, 18, 18, 18, 18, 19, 19, 19, 20, 21, 22
        ] as busy_hours,
        pg_temp.size(150, 20) as visitors
),

days as (
    select
        settings.*,
        demo_community_days.*
    from settings
    cross join demo_community_days
),

entries as (
    select
        *,
        generate_series(
            day_key + 1,
            day_key + pg_temp.whole(
                entries_a_day * errands, pg_temp.u('entries', day_key)
            )
        ) as entry_key
    from days
),

drawn as materialized (
    select
        community_no,
        community_id,
        founded_at,
        denied_share,
        nameless_share,
        late_share,
        latest,
        visitors,
        entry_key,
        case
            when pg_temp.u('entry type', entry_key) < 0.55 then 'resident'
            when pg_temp.u('entry type', entry_key) < 0.80 then 'visitor'
            when pg_temp.u('entry type', entry_key) < 0.93 then 'delivery'
            else 'staff'
        end as entry_type,
        community_no * 100000 + 1
        + floor(units * pg_temp.u('entry unit', entry_key))::integer
            as unit_key,
        (
            local_date + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('entry hour', entry_key),
                pg_temp.u('entry minute', entry_key)
            )
        ) at time zone timezone as occurred_at
    from entries
)

select
    drawn.community_id,
    demo_units.unit_id,
    case
        when
            drawn.entry_type = 'visitor'
            and pg_temp.u('visitor name', drawn.entry_key)
            >= drawn.nameless_share
            then
                pg_temp.uuid(
                    'visitor',
                    drawn.community_no * 1000000 + floor(
                        drawn.visitors
                        * power(pg_temp.u('visitor', drawn.entry_key), 2)
                    )::bigint
                )
    end as visitor_id,
    drawn.entry_type,
    case
        when pg_temp.u('entry decision', drawn.entry_key) < drawn.denied_share
            then 'denied'
        else 'granted'
    end as decision,
    drawn.occurred_at
from drawn
left join demo_units
    on
        drawn.unit_key = demo_units.unit_key
        and drawn.entry_type <> 'staff'
where
    drawn.occurred_at >= drawn.founded_at
    and drawn.occurred_at < pg_temp.until_at()
order by
    drawn.occurred_at + drawn.latest
    * (pg_temp.u('entry late', drawn.entry_key) < drawn.late_share)::integer
    * pg_temp.u('entry lateness', drawn.entry_key),
    drawn.entry_key;

-- A guard's round every few hours, day and night, from checkpoint to
-- checkpoint; more of them are missed at weekends.
insert into community.patrol_logs (
    community_id, checkpoint, status, scheduled_at
)
with settings as (
    select
        3.0 as checks_a_day,
        0.04 as missed_share,
        0.08 as missed_more_at_weekends,
        array['Main gate', 'Parking', 'Pool', 'Roof'] as checkpoints
),

days as (
    select
        settings.*,
        demo_community_days.*,
        pg_temp.whole(
            settings.checks_a_day * demo_community_days.volume,
            pg_temp.u('checks', demo_community_days.day_key)
        ) as checks
    from settings
    cross join demo_community_days
),

checks as (
    select
        *,
        generate_series(1, checks) as check_no
    from days
),

scheduled as materialized (
    select
        community_id,
        founded_at,
        day_key + check_no as check_key,
        checkpoints[1 + check_no % cardinality(checkpoints)] as checkpoint_name,
        missed_share + missed_more_at_weekends
        * (extract(isodow from local_date) in (6, 7))::integer as missed_share,
        (local_date + (check_no - 0.5) / checks * '24 hours'::interval)
        at time zone timezone as scheduled_at
    from checks
)

select
    community_id,
    checkpoint_name,
    case
        when pg_temp.u('check missed', check_key) < missed_share then 'missed'
        else 'completed'
    end as check_status,
    scheduled_at
from scheduled
where
    scheduled_at >= founded_at
    and scheduled_at < pg_temp.until_at()
order by
    scheduled_at,
    check_key;

-- Most incidents are over in hours, some take days, and some are still open.
insert into community.incidents (
    id, community_id, category, reported_at, resolved_at
)
with settings as (
    select
        0.5 as incidents_a_day,
        30 as hours_to_resolve,
        0.05 as unresolved_share,
        array[0, 0, 1, 2, 7, 9, 12, 15, 17, 18, 20, 21, 22, 22, 23, 23]
            as busy_hours,
        array[
            'noise', 'noise', 'noise', 'parking', 'parking', 'maintenance',
            'maintenance', 'vandalism', 'security', 'medical'
        ] as categories
),

days as (
    select
        settings.*,
        demo_community_days.*
    from settings
    cross join demo_community_days
),

incidents as (
    select
        *,
        generate_series(
            day_key + 1,
            day_key + pg_temp.whole(
                incidents_a_day * leisure, pg_temp.u('incidents', day_key)
            )
        ) as incident_key
    from days
),

reported as (
    select
        *,
        (
            local_date + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('incident hour', incident_key),
                pg_temp.u('incident minute', incident_key)
            )
        ) at time zone timezone as reported_at
    from incidents
),

resolved as (
    select
        *,
        reported_at + '1 hour'::interval * pg_temp.wait(
            hours_to_resolve, pg_temp.u('incident wait', incident_key)
        ) as resolved_at
    from reported
)

select
    pg_temp.uuid('incident', incident_key) as incident_id,
    community_id,
    pg_temp.pick(categories, pg_temp.u('incident category', incident_key))
        as category,
    reported_at,
    case
        when
            resolved_at < pg_temp.until_at()
            and pg_temp.u('incident resolved', incident_key)
            >= unresolved_share
            then resolved_at
    end as resolved_at
from resolved
where
    reported_at >= founded_at
    and reported_at < pg_temp.until_at()
order by
    reported_at,
    incident_key;

-- What each unit is charged: its fee on the first of a month, now and then a
-- fine. And when it pays: most units within days, some after weeks or months,
-- some only a part, and some stopped paying altogether.
create temporary table demo_charges on commit drop as
with settings as (
    select
        0.68 as punctual_share,
        0.86 as late_share,
        0.93 as partial_share,
        0.6 as part,
        0.08 as fined_share,
        array[20, 35, 50, 75, 120] as fines
),

units as (
    select
        settings.*,
        demo_units.*,
        pg_temp.u('unit pays', demo_units.unit_key) as habit,
        100 + 10 * floor(30 * pg_temp.u('unit fee', demo_units.unit_key))
            as fee,
        demo_units.founded_on + floor(
            (demo_units.last_on - demo_units.founded_on)
            * pg_temp.u('unit stops paying', demo_units.unit_key)
        )::integer as stops_paying_on
    from settings
    cross join demo_units
),

months as (
    select
        *,
        generate_series(
            date_trunc('month', founded_on::timestamp),
            last_on::timestamp,
            '1 month'
        )::date as month_on
    from units
),

kinds as (
    select
        *,
        generate_series(0, 1) as kind_no
    from months
),

charges as (
    select
        *,
        (unit_key * 100000::bigint + (month_on - '2000-01-01'::date)) * 2
        + kind_no as charge_key,
        kind_no = 0 as is_fee
    from kinds
),

posted as (
    select
        *,
        case
            when is_fee then fee
            else pg_temp.pick(fines, pg_temp.u('fine', charge_key))
        end as amount,
        (
            month_on + case
                when is_fee then '06:00'::interval
                else
                    '1 day'::interval
                    * (2 + 25 * pg_temp.u('fined on', charge_key))
            end
        ) at time zone timezone as posted_at
    from charges
    where
        is_fee
        or pg_temp.u('fined', charge_key) < fined_share
)

select
    charge_key,
    community_id,
    unit_id,
    amount,
    posted_at,
    posted_at + '1 day'::interval * case
        when habit < punctual_share
            then 1 + 11 * pg_temp.u('paid after', charge_key)
        else 12 + 85 * pg_temp.u('paid after', charge_key)
    end as paid_at,
    case
        when habit < late_share then amount
        when habit < partial_share then round(part * amount)
        when month_on < stops_paying_on then amount
    end as paid_amount
from posted
where
    posted_at >= founded_at
    and posted_at < pg_temp.until_at();

-- Charges and the payments for them. Now and then one is typed in twice, and
-- the second is voided when someone notices.
insert into community.transactions (
    id, community_id, unit_id, kind, amount, posted_at, voided_at
)
with settings as (
    select
        0.02 as twice_share,
        '2 minutes'::interval as time_between,
        3 as days_to_void
),

once as (
    select
        2 * charge_key as transaction_key,
        community_id,
        unit_id,
        'charge' as kind,
        amount,
        posted_at
    from demo_charges

    union all

    select
        2 * charge_key + 1 as transaction_key,
        community_id,
        unit_id,
        'payment' as kind,
        paid_amount as amount,
        paid_at as posted_at
    from demo_charges
    where paid_amount is not null
),

twice as (
    select
        settings.*,
        once.*
    from settings
    cross join once
    where pg_temp.u('twice', once.transaction_key) < settings.twice_share
),

transactions as (
    select
        pg_temp.uuid('transaction', transaction_key) as id,
        community_id,
        unit_id,
        kind,
        amount,
        posted_at,
        null::timestamptz as voided_at
    from once

    union all

    select
        pg_temp.uuid('second transaction', transaction_key) as id,
        community_id,
        unit_id,
        kind,
        amount,
        posted_at + time_between as posted_at,
        posted_at + time_between + '1 day'::interval * pg_temp.wait(
            days_to_void, pg_temp.u('void wait', transaction_key)
        ) as voided_at
    from twice
)

select
    id,
    community_id,
    unit_id,
    kind,
    amount,
    posted_at,
    case when voided_at < pg_temp.until_at() then voided_at end as voided_at
from transactions
where posted_at < pg_temp.until_at()
order by
    posted_at,
    id;

-- What those transactions come to: payments settle a unit's oldest charges
-- first, and a charge is due ten days after it is posted. A mark is a sum of
-- money: a charge's is what the unit was charged up to it, a day's is what the
-- unit had paid by then. So the oldest due date of a day is that of the lowest
-- charge above it.
insert into community.unit_balances (
    unit_id, community_id, as_of_date, balance, oldest_due_date
)
with posted as (
    select
        transactions.community_id,
        transactions.unit_id,
        transactions.kind,
        transactions.amount,
        (transactions.posted_at at time zone communities.timezone)::date
            as posted_on
    from community.transactions
    inner join community.communities
        on transactions.community_id = communities.id
    where transactions.voided_at is null
),

daily as (
    select
        unit_id,
        community_id,
        posted_on,
        sum(amount) filter (where kind = 'charge') as charged,
        coalesce(sum(amount) filter (where kind = 'payment'), 0) as paid
    from posted
    group by
        unit_id,
        community_id,
        posted_on
),

running as (
    select
        unit_id,
        community_id,
        posted_on,
        charged,
        sum(charged) over days as charged_so_far,
        sum(paid) over days as paid_so_far
    from daily
    window days as (partition by unit_id order by posted_on)
),

marks as (
    select
        unit_id,
        charged_so_far as mark,
        posted_on + 10 as due_date,
        null::uuid as community_id,
        null::date as as_of_date,
        null::numeric as balance
    from running
    where charged is not null

    union all

    select
        unit_id,
        paid_so_far as mark,
        null as due_date,
        community_id,
        posted_on as as_of_date,
        coalesce(charged_so_far, 0) - paid_so_far as balance
    from running
),

dated as (
    select
        *,
        min(due_date) over (
            partition by unit_id
            order by
                mark desc,
                as_of_date asc nulls last
            rows between unbounded preceding and current row
        ) as oldest_due_date
    from marks
)

select
    unit_id,
    community_id,
    as_of_date,
    balance,
    case when balance > 0 then oldest_due_date end as oldest_due_date
from dated
where as_of_date is not null
order by
    as_of_date,
    unit_id;

-- Announcements go out in the morning.
insert into community.announcements (community_id, created_at)
with settings as (
    select
        0.25 as announcements_a_day,
        array[8, 9, 9, 10, 11, 16] as busy_hours
),

days as (
    select
        settings.*,
        demo_community_days.*
    from settings
    cross join demo_community_days
),

announcements as (
    select
        *,
        generate_series(
            day_key + 1,
            day_key + pg_temp.whole(
                announcements_a_day * errands,
                pg_temp.u('announcements', day_key)
            )
        ) as announcement_key
    from days
),

announced as (
    select
        *,
        (
            local_date + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('announcement hour', announcement_key),
                pg_temp.u('announcement minute', announcement_key)
            )
        ) at time zone timezone as announced_at
    from announcements
)

select
    community_id,
    announced_at
from announced
where
    announced_at >= founded_at
    and announced_at < pg_temp.until_at()
order by
    announced_at,
    announcement_key;

-- Messages between neighbours, most of them in the evening.
insert into community.messages (community_id, created_at)
with settings as (
    select
        2.5 as messages_a_day,
        array[7, 8, 9, 11, 13, 17, 18, 19, 19, 20, 20, 21, 21, 22, 23]
            as busy_hours
),

days as (
    select
        settings.*,
        demo_community_days.*
    from settings
    cross join demo_community_days
),

messages as (
    select
        *,
        generate_series(
            day_key + 1,
            day_key + pg_temp.whole(
                messages_a_day * leisure, pg_temp.u('messages', day_key)
            )
        ) as message_key
    from days
),

sent as (
    select
        *,
        (
            local_date + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('message hour', message_key),
                pg_temp.u('message minute', message_key)
            )
        ) at time zone timezone as sent_at
    from messages
)

select
    community_id,
    sent_at
from sent
where
    sent_at >= founded_at
    and sent_at < pg_temp.until_at()
order by
    sent_at,
    message_key;

-- Each amenity has its own hours, and is reserved for two of them at a time.
create temporary table demo_amenities on commit drop as
with settings as (
    select
        2 as slot_hours,
        12 as usual_hours,
        array['Pool', 'Gym', 'Padel court', 'Party room'] as amenity_names,
        array[12, 16, 14, 10] as hours,
        greatest(3, round(4 * power(pg_temp.scale(), 0.25)))::integer
            as amenities
),

communities as (
    select
        settings.*,
        demo_communities.community_no,
        demo_communities.community_id
    from settings
    cross join demo_communities
),

amenities as (
    select
        *,
        generate_series(1, amenities) as amenity_no
    from communities
),

named as (
    select
        *,
        pg_temp.uuid('amenity', community_no * 1000 + amenity_no) as amenity_id,
        coalesce(
            amenity_names[amenity_no], 'Tennis court ' || amenity_no - 4
        ) as amenity_name,
        coalesce(hours[amenity_no], usual_hours) as open_hours
    from amenities
)

select
    community_no,
    community_id,
    amenity_no,
    amenity_id,
    amenity_name,
    open_hours,
    slot_hours,
    open_hours / slot_hours as slots,
    sum(open_hours / slot_hours) over (partition by community_no)
        as community_slots
from named;

insert into community.amenities (id, community_id, name, open_hours_per_day)
select
    amenity_id,
    community_id,
    amenity_name,
    open_hours
from demo_amenities;

-- No slot is reserved twice; some reservations are cancelled on the way, and
-- some people do not come.
insert into community.reservations (
    id,
    community_id,
    amenity_id,
    status,
    created_at,
    starts_at,
    ends_at,
    cancelled_at
)
with settings as (
    select
        1.6 as reservations_a_day,
        0.6 as highest_share,
        '08:00'::time as opens_at,
        4 as days_ahead,
        14 as most_days_ahead,
        0.12 as cancelled_share,
        0.08 as no_show_share
),

amenity_days as (
    select
        settings.*,
        demo_amenities.*,
        demo_community_days.timezone,
        demo_community_days.founded_at,
        demo_community_days.local_date,
        demo_community_days.leisure,
        demo_community_days.day_key + demo_amenities.amenity_no * 100
            as amenity_day_key
    from settings
    cross join demo_community_days
    inner join demo_amenities
        on demo_community_days.community_no = demo_amenities.community_no
),

slots as (
    select
        *,
        generate_series(1, slots) as slot_no
    from amenity_days
),

reserved as (
    select
        *,
        amenity_day_key + slot_no as slot_key,
        (
            local_date + opens_at
            + slot_hours * (slot_no - 1) * '1 hour'::interval
        ) at time zone timezone as starts_at
    from slots
    where
        pg_temp.u('slot reserved', amenity_day_key + slot_no)
        < least(highest_share, reservations_a_day * leisure / community_slots)
),

created as (
    select
        *,
        starts_at + slot_hours * '1 hour'::interval as ends_at,
        starts_at - '1 day'::interval * least(
            most_days_ahead,
            pg_temp.wait(days_ahead, pg_temp.u('reserved ahead', slot_key))
        ) as reserved_at
    from reserved
),

cancelled as (
    select
        *,
        case
            when pg_temp.u('slot cancelled', slot_key) < cancelled_share
                then
                    reserved_at + (starts_at - reserved_at)
                    * pg_temp.u('slot cancelled at', slot_key)
        end as cancelled_at
    from created
)

select
    pg_temp.uuid('reservation', slot_key) as reservation_id,
    community_id,
    amenity_id,
    case
        when cancelled_at < pg_temp.until_at() then 'cancelled'
        when ends_at > pg_temp.until_at() then 'booked'
        when pg_temp.u('slot no show', slot_key) < no_show_share then 'no_show'
        else 'completed'
    end as reservation_status,
    reserved_at,
    starts_at,
    ends_at,
    case when cancelled_at < pg_temp.until_at() then cancelled_at end
        as cancelled_at
from cancelled
where
    reserved_at >= founded_at
    and reserved_at < pg_temp.until_at()
order by
    reserved_at,
    slot_key;

-- Packages come in the daytime, and not on Sundays. Most are picked up within a
-- day or two, and a few are forgotten.
insert into community.packages (
    id, community_id, received_at, picked_up_at
)
with settings as (
    select
        1.6 as packages_a_day,
        18 as hours_to_pick_up,
        0.02 as forgotten_share,
        array[9, 10, 10, 11, 11, 12, 13, 14, 15, 15, 16, 17, 18] as busy_hours
),

days as (
    select
        settings.*,
        demo_community_days.*
    from settings
    cross join demo_community_days
    where extract(isodow from demo_community_days.local_date) <> 7
),

packages as (
    select
        *,
        generate_series(
            day_key + 1,
            day_key + pg_temp.whole(
                packages_a_day * errands, pg_temp.u('packages', day_key)
            )
        ) as package_key
    from days
),

received as (
    select
        *,
        (
            local_date + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('package hour', package_key),
                pg_temp.u('package minute', package_key)
            )
        ) at time zone timezone as received_at
    from packages
),

picked_up as (
    select
        *,
        received_at + '1 hour'::interval * pg_temp.wait(
            hours_to_pick_up, pg_temp.u('package wait', package_key)
        ) as picked_up_at
    from received
)

select
    pg_temp.uuid('package', package_key) as package_id,
    community_id,
    received_at,
    case
        when
            picked_up_at < pg_temp.until_at()
            and pg_temp.u('package forgotten', package_key) >= forgotten_share
            then picked_up_at
    end as picked_up_at
from picked_up
where
    received_at >= founded_at
    and received_at < pg_temp.until_at()
order by
    received_at,
    package_key;

-- Maintenance takes days, and some of it is never done.
insert into community.tickets (id, community_id, created_at, resolved_at)
with settings as (
    select
        0.7 as tickets_a_day,
        3 as days_to_resolve,
        0.05 as unresolved_share,
        array[7, 8, 8, 9, 10, 11, 13, 17, 18, 19, 20, 21] as busy_hours
),

days as (
    select
        settings.*,
        demo_community_days.*
    from settings
    cross join demo_community_days
),

tickets as (
    select
        *,
        generate_series(
            day_key + 1,
            day_key + pg_temp.whole(
                tickets_a_day * errands, pg_temp.u('tickets', day_key)
            )
        ) as ticket_key
    from days
),

opened as (
    select
        *,
        (
            local_date + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('ticket hour', ticket_key),
                pg_temp.u('ticket minute', ticket_key)
            )
        ) at time zone timezone as opened_at
    from tickets
),

resolved as (
    select
        *,
        opened_at + '1 day'::interval * pg_temp.wait(
            days_to_resolve, pg_temp.u('ticket wait', ticket_key)
        ) as resolved_at
    from opened
)

select
    pg_temp.uuid('ticket', ticket_key) as ticket_id,
    community_id,
    opened_at,
    case
        when
            resolved_at < pg_temp.until_at()
            and pg_temp.u('ticket resolved', ticket_key) >= unresolved_share
            then resolved_at
    end as resolved_at
from resolved
where
    opened_at >= founded_at
    and opened_at < pg_temp.until_at()
order by
    opened_at,
    ticket_key;
