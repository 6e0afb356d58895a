"""Source rows that the demo does not have and that are odd but legal.

Decades of a single machine, exact halves, missing due dates, amounts and counts
below zero, ends before beginnings; and tenants younger than their rows.
"""

YOUNG_TENANTS = """
-- Everybody signed up with an import, after most of what they did.
update community.communities set created_at = now() - interval '70 days';
update learning.profiles set created_at = now() - interval '7 days';
update rental.users set created_at = now() - interval '7 days';

-- But one user, from whose day on the rental's days are counted.
insert into rental.users (id, created_at, role)
values (md5('first user')::uuid, now() - interval '3 years', 'customer');
"""

ODD_ROWS = """
-- A machine with bookings of 30 years, some of them cancelled, some overlapping.
insert into rental.equipment (id, name, category, is_active, daily_rate)
values (md5('old crane')::uuid, 'Old crane', 'Crane', true, 100);
insert into rental.bookings (
    id, customer_id, equipment_id, status, starts_on, ends_on, total_amount,
    created_at, cancelled_at
)
select
    md5('booking' || n)::uuid, md5('first user')::uuid, md5('old crane')::uuid,
    case when n % 7 = 0 then 'cancelled' else 'completed' end,
    starts_on, starts_on + n % 11, (n % 1000)::numeric / 100 - 1,
    starts_on - interval '3 days',
    case when n % 7 = 0 then starts_on - interval '1 day' end
from generate_series(1, 2000) as n
cross join lateral (
    select current_date - (n * 5.4)::integer as starts_on
) as begun;
insert into rental.equipment_maintenance (id, equipment_id, due_on, completed_at)
select
    md5('service' || n)::uuid, md5('old crane')::uuid, due_on,
    -- Done early, late, or not yet.
    case when n % 5 > 0 then due_on + (n % 9 - 4) * interval '1 day' end
from generate_series(1, 200) as n
cross join lateral (
    select current_date - (n * 17) as due_on
) as planned;

-- Paid before it was due; owed below zero; paid back by hand and by card.
insert into rental.payment_schedules (id, booking_id, due_on, amount, paid_at)
select
    md5('schedule' || n)::uuid, md5('booking' || n)::uuid,
    current_date - n, (n % 5 - 1) * 10,
    case when n % 3 > 0 then now() - (n + n % 7 - 3) * interval '1 day' end
from generate_series(1, 300) as n;
insert into rental.manual_payments (id, booking_id, amount, method, received_at)
select
    md5('manual' || n)::uuid, md5('booking' || n)::uuid, -500.01 * n, 'cash',
    now() - n * interval '3 days'
from generate_series(1, 20) as n;
insert into rental.payments (
    id, booking_id, customer_id, amount, status, paid_at
)
select
    md5('payment' || n)::uuid, md5('booking' || n)::uuid,
    md5('first user')::uuid, -700 + 30 * n, 'succeeded',
    now() - n * interval '2 days'
from generate_series(1, 20) as n;
insert into rental.booking_payments (payment_id, booking_id, kind)
select
    md5('payment' || n)::uuid, md5('booking' || n)::uuid,
    case when n % 2 = 0 then 'refund' else 'deposit' end
from generate_series(1, 15) as n;
insert into rental.payout_reconciliations (
    id, stripe_payout_id, amount, status, created_at, settled_at
)
select
    md5('payout' || n)::uuid, 'odd ' || n, -100 * n,
    case when n % 2 = 0 then 'paid' else 'pending' end,
    now() - n * interval '1 day',
    -- Settled before it was made.
    case when n % 2 = 0 then now() - 2 * n * interval '1 day' end
from generate_series(1, 10) as n;
insert into rental.financial_transactions (kind, amount, occurred_at)
select 'revenue', -10000 * n, now() - n * interval '1 day'
from generate_series(1, 10) as n;
insert into rental.insurance_documents (
    id, booking_id, status, submitted_at, reviewed_at
)
select
    md5('document' || n)::uuid, md5('booking' || n)::uuid, 'approved',
    now() - n * interval '1 day', now() - 2 * n * interval '1 day'
from generate_series(1, 10) as n;

-- 84.375 and 62.505 percent: exact halves, on days that are over everywhere.
insert into plant.assets (
    id, name, area, cost_per_minute, cost_per_waste_unit, timezone
)
values (md5('half')::uuid, 'Half press', 'Forming', 0.005, 0.005, 'UTC');
insert into plant.production_targets (
    asset_id, target_date, planned_minutes, target_output
)
select
    md5('half')::uuid, current_date - n, 480,
    case when n % 2 = 0 then 32 else 20000 end
from generate_series(2, 30) as n;
insert into plant.production_counts (asset_id, counted_at, good_count, waste_count)
select
    md5('half')::uuid, (current_date - n)::timestamp at time zone 'UTC'
    + interval '12 hours',
    case when n % 2 = 0 then 27 else 12501 end, n % 3
from generate_series(2, 30) as n
union all
-- Corrections of what was counted too high, some to less than nothing.
select
    md5('half')::uuid, (current_date - n)::timestamp at time zone 'UTC'
    + interval '13 hours',
    -5 * n, -1
from generate_series(20, 30) as n;
-- A second, three times a day: 0.05 minutes, and 0.000250 of loss.
insert into plant.downtime_events (
    id, asset_id, started_at, ended_at, reason_code, severity
)
select
    md5('stop' || n || m)::uuid, md5('half')::uuid, started_at,
    started_at + (m - 1) * interval '1.5 seconds', 'Jam', 'low'
from generate_series(2, 30) as n
cross join generate_series(1, 3) as m
cross join lateral (
    select
        (current_date - n)::timestamp at time zone 'UTC'
        + m * interval '1 hour' as started_at
) as begun;

-- 14, 20 and 20 seconds: 0.015 hours on average, an exact half.
insert into community.incidents (
    id, community_id, category, reported_at, resolved_at
)
select
    md5(id || 'incident' || n)::uuid, id, 'odd', reported_at,
    reported_at + (array[14, 20, 20])[n] * interval '1 second'
from community.communities
cross join generate_series(1, 3) as n
cross join lateral (
    select now() - interval '6 days' as reported_at
) as reported;

-- Debts of no due date, and balances that a payment has made too low.
insert into community.unit_balances (
    unit_id, community_id, as_of_date, balance, oldest_due_date
)
select
    id, community_id, current_date - 5,
    case when row_number() over (order by id) % 2 = 0 then 99.99 else -5 end,
    null
from community.units
on conflict do nothing;

-- A parcel that was fetched before it came, and one that is still to come.
insert into community.packages (id, community_id, received_at, picked_up_at)
select
    md5(id || 'parcel' || n)::uuid, id, now() - n * interval '1 day',
    now() - 2 * n * interval '1 day'
from community.communities
cross join generate_series(-3, 3) as n;

-- Orders and guests that were taken back.
insert into restaurant.orders (account_id, location_id, total_amount, created_at)
select account_id, id, -5000.005, now() - n * interval '1 day'
from restaurant.locations
cross join generate_series(1, 5) as n;
insert into restaurant.reservations (
    account_id, location_id, guest_count, created_at
)
select account_id, id, -30, now() - n * interval '1 day'
from restaurant.locations
cross join generate_series(3, 5) as n;

-- Sessions that end before they begin, and cards that were taken back.
insert into learning.review_sessions (
    id, user_id, started_at, ended_at, cards_reviewed
)
select
    md5(user_id || 'session')::uuid, user_id, now() - interval '3 days',
    now() - interval '4 days', -7
from learning.profiles;
"""
