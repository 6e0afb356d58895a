-- Accounts of five time zones, one in three with two locations, each with one
-- member; half of them have settings.
insert into restaurant.accounts (id, name, timezone)
select
    benchmark.account(number),
    'Account ' || number,
    (
        array[
            'UTC', 'Europe/Madrid', 'America/New_York', 'America/Los_Angeles',
            'Asia/Tokyo'
        ]
    )[1 + number %% 5]
from generate_series(1, %(accounts)s) as number;

insert into restaurant.account_members (account_id, user_id)
select benchmark.account(number), benchmark.member(number)
from generate_series(1, %(accounts)s) as number;

insert into restaurant.locations (id, account_id, name)
select
    benchmark.location(number, place),
    benchmark.account(number),
    'Location ' || place
from generate_series(1, %(accounts)s) as number
cross join generate_series(1, 2) as place
where place = 1 or number %% 3 = 0;

insert into restaurant.account_settings (
    account_id, revenue_mode, avg_spend_per_head, minutes_saved_baseline_seconds
)
select
    benchmark.account(number),
    (array['both', 'orders', 'reservations'])[1 + number %% 3],
    20 + number %% 30,
    case when number %% 4 = 0 then 90 end
from generate_series(1, %(accounts)s, 2) as number;

insert into restaurant.location_settings (location_id, avg_spend_per_head)
select benchmark.location(number, 1), 55
from generate_series(1, %(accounts)s, 10) as number;
