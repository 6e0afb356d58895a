-- restaurant: restaurants whose phones are answered by an assistant.

-- Accounts have one to three locations, which opened one after the other. Some
-- are closed on Mondays.
create temporary table demo_locations on commit drop as
with settings as (
    select
        0.6 as opened_by,
        array['Trattoria', 'Taberna', 'Bistro', 'Kitchen', 'Grill', 'Cantina']
            as kinds,
        array[
            'Aurora', 'del Mar', 'Noir', 'Saffron', 'Southern', 'Sol', 'Zaatar'
        ] as additions,
        array['Old Town', 'Station', 'Harbour'] as places,
        pg_temp.size(8, 6) as account_count
),

accounts as (
    select
        *,
        generate_series(1, account_count) as account_no
    from settings
),

locations as (
    select
        *,
        generate_series(1, 1 + account_no % 3) as location_no
    from accounts
),

placed as (
    select
        *,
        account_no * 10 + location_no as location_key,
        pg_temp.time_zone(account_no) as timezone
    from locations
),

dated as (
    select
        *,
        (pg_temp.until_at() at time zone timezone)::date as until_on
    from placed
)

select
    account_no,
    timezone,
    location_no,
    location_key,
    until_on,
    pg_temp.uuid('account', account_no) as account_id,
    kinds[1 + (account_no - 1) % cardinality(kinds)]
    || ' '
    || additions[1 + (account_no - 1) % cardinality(additions)]
        as account_name,
    pg_temp.uuid('location', location_key) as location_id,
    places[location_no] as location_name,
    location_key % 3 = 1 as is_closed_on_mondays,
    until_on - pg_temp.history_days() as first_on,
    until_on - pg_temp.history_days() + floor(
        pg_temp.history_days() * opened_by
        * power(pg_temp.u('location opened', location_key), 2)
    )::integer as opened_on,
    (0.5 + pg_temp.u('location size', location_key))
    * pg_temp.volume(8, account_count) as volume
from dated;

insert into restaurant.accounts (id, name, timezone)
select
    account_id,
    account_name,
    timezone
from demo_locations
where location_no = 1
order by account_no;

-- Each account has an owner and a manager, and an owner has two accounts.
insert into restaurant.account_members (account_id, user_id)
select
    account_id,
    pg_temp.uuid('owner', (account_no + 1) / 2) as user_id
from demo_locations
where location_no = 1

union all

select
    account_id,
    pg_temp.uuid('restaurant manager', account_no) as user_id
from demo_locations
where location_no = 1;

insert into restaurant.locations (id, account_id, name)
select
    location_id,
    account_id,
    location_name
from demo_locations
order by location_key;

-- Of six accounts one counts orders alone, one reservations alone, one has not
-- said what its guests spend, and one has no settings at all.
insert into restaurant.account_settings (
    account_id,
    revenue_mode,
    avg_spend_per_head,
    minutes_saved_baseline_seconds
)
with settings as (
    select
        array['both', 'orders', 'reservations', 'both', null, 'both'] as modes,
        array[32, 28, 45, null, null, 25.5] as spends,
        array[150, null, 90, null, null, 180] as baselines
),

accounts as (
    select
        settings.*,
        demo_locations.account_id,
        1 + (demo_locations.account_no - 1) % 6 as setting_no
    from settings
    cross join demo_locations
    where demo_locations.location_no = 1
)

select
    account_id,
    modes[setting_no] as revenue_mode,
    spends[setting_no] as avg_spend_per_head,
    baselines[setting_no] as minutes_saved_baseline_seconds
from accounts
where modes[setting_no] is not null;

-- Of four locations one spends more, one takes longer, one has settings that
-- set nothing, and one has none.
insert into restaurant.location_settings (
    location_id, avg_spend_per_head, minutes_saved_baseline_seconds
)
with settings as (
    select
        array[55, null, null] as spends,
        array[null, 210, null] as baselines
),

locations as (
    select
        settings.*,
        demo_locations.location_id,
        demo_locations.location_key % 4 as setting_no
    from settings
    cross join demo_locations
)

select
    location_id,
    spends[setting_no] as avg_spend_per_head,
    baselines[setting_no] as minutes_saved_baseline_seconds
from locations
where setting_no > 0;

-- Every day that a location was open, and how busy it was: weekends are best.
-- Between its key and the next day's there is room for all that happens on it.
create temporary table demo_location_days on commit drop as
with settings as (
    select 1.7 as at_weekends
),

locations as (
    select
        settings.*,
        demo_locations.*
    from settings
    cross join demo_locations
),

days as (
    select
        *,
        generate_series(0, until_on - opened_on) as day_no
    from locations
),

keyed as (
    select
        *,
        opened_on + day_no as local_date,
        (location_key * 10000 + day_no) * 100000::bigint as day_key
    from days
)

select
    account_id,
    location_id,
    timezone,
    local_date,
    day_key,
    volume * pg_temp.busyness(
        local_date,
        timezone,
        local_date - first_on,
        at_weekends,
        pg_temp.u('location day', day_key)
    ) as busyness
from keyed
where
    not is_closed_on_mondays
    or extract(isodow from local_date) <> 1;

analyze demo_location_days;

-- The phone rings before lunch and before dinner, and is not always answered.
-- One call in two hundred is recorded up to a day late.
insert into restaurant.calls (
    account_id, location_id, call_type, status, started_at
)
with settings as (
    select
        8.0 as calls_a_day,
        0.11 as missed_share,
        0.16 as not_completed_share,
        0.005 as late_share,
        '1 day'::interval as latest,
        array[
            9, 10, 11, 11, 11, 12, 12, 12, 12, 13, 13, 14, 15, 16, 17, 17, 18,
            18, 18, 18, 19, 19, 19, 19, 20, 20, 21, 22
        ] as busy_hours
),

days as (
    select
        settings.*,
        demo_location_days.*
    from settings
    cross join demo_location_days
),

calls as (
    select
        *,
        generate_series(
            day_key + 1,
            day_key + pg_temp.whole(
                calls_a_day * busyness, pg_temp.u('calls', day_key)
            )
        ) as call_key
    from days
),

started as materialized (
    select
        account_id,
        location_id,
        missed_share,
        not_completed_share,
        late_share,
        latest,
        call_key,
        case
            when pg_temp.u('call type', call_key) < 0.35 then 'order'
            when pg_temp.u('call type', call_key) < 0.60 then 'reservation'
            when pg_temp.u('call type', call_key) < 0.90 then 'question'
            else 'other'
        end as call_type,
        (
            local_date + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('call hour', call_key),
                pg_temp.u('call minute', call_key)
            )
        ) at time zone timezone as started_at
    from calls
)

select
    account_id,
    location_id,
    call_type,
    case
        when pg_temp.u('call status', call_key) < missed_share then 'missed'
        when pg_temp.u('call status', call_key) < not_completed_share
            then 'failed'
        else 'completed'
    end as call_status,
    started_at
from started
where started_at < pg_temp.until_at()
order by
    started_at + latest
    * (pg_temp.u('call late', call_key) < late_share)::integer
    * pg_temp.u('call lateness', call_key),
    call_key;

-- Most calls to order end in an order, minutes later; other orders come from
-- the web, up to midnight.
insert into restaurant.orders (
    account_id, location_id, total_amount, created_at
)
with settings as (
    select
        0.85 as ordered_share,
        '6 minutes'::interval as longest_call,
        1.2 as web_orders_a_day,
        12 as least_amount,
        26 as amount_above,
        array[11, 12, 12, 13, 17, 18, 19, 19, 20, 21, 22, 23] as busy_hours
),

days as (
    select
        settings.*,
        demo_location_days.*
    from settings
    cross join demo_location_days
),

web_orders as (
    select
        *,
        generate_series(
            day_key + 1,
            day_key + pg_temp.whole(
                web_orders_a_day * busyness, pg_temp.u('web orders', day_key)
            )
        ) as web_order_key
    from days
),

orders as (
    select
        2 * calls.id as order_key,
        calls.account_id,
        calls.location_id,
        settings.least_amount,
        settings.amount_above,
        calls.started_at
        + settings.longest_call * pg_temp.u('order wait', calls.id)
            as created_at
    from settings
    cross join restaurant.calls
    where
        calls.call_type = 'order'
        and calls.status = 'completed'
        and pg_temp.u('ordered', calls.id) < settings.ordered_share

    union all

    select
        2 * web_order_key + 1 as order_key,
        account_id,
        location_id,
        least_amount,
        amount_above,
        (
            local_date + pg_temp.time_of_day(
                busy_hours,
                pg_temp.u('web order hour', web_order_key),
                pg_temp.u('web order minute', web_order_key)
            )
        ) at time zone timezone as created_at
    from web_orders
)

select
    account_id,
    location_id,
    round(
        (
            least_amount
            + pg_temp.wait(amount_above, pg_temp.u('amount', order_key))
        )::numeric,
        2
    ) as total_amount,
    created_at
from orders
where created_at < pg_temp.until_at()
order by
    created_at,
    order_key;

-- Most calls to reserve end in a reservation; a few of those are for an
-- occasion at a price of its own.
insert into restaurant.reservations (
    account_id,
    location_id,
    guest_count,
    avg_spend_per_head_override,
    created_at
)
with settings as (
    select
        0.85 as reserved_share,
        '4 minutes'::interval as longest_call,
        0.06 as occasion_share,
        array[1, 2, 2, 2, 2, 2, 3, 3, 4, 4, 4, 5, 6, 8, 12] as guests,
        array[60, 75, 90, 120] as occasion_prices
),

reservations as (
    select
        settings.*,
        calls.id as call_id,
        calls.account_id,
        calls.location_id,
        calls.started_at
        + settings.longest_call * pg_temp.u('reservation wait', calls.id)
            as created_at
    from settings
    cross join restaurant.calls
    where
        calls.call_type = 'reservation'
        and calls.status = 'completed'
        and pg_temp.u('reserved', calls.id) < settings.reserved_share
)

select
    account_id,
    location_id,
    pg_temp.pick(guests, pg_temp.u('guests', call_id)) as guest_count,
    case
        when pg_temp.u('occasion', call_id) < occasion_share
            then
                pg_temp.pick(
                    occasion_prices, pg_temp.u('occasion price', call_id)
                )
    end as avg_spend_per_head_override,
    created_at
from reservations
where created_at < pg_temp.until_at()
order by
    created_at,
    call_id;
