"""A little data of each domain, with something wherever a change may hit."""

FUNCTIONS = """
create function pg_temp.ago(length interval) returns timestamptz
return current_setting('orchestrator.now')::timestamptz - length;

create function pg_temp.key(entity text, number bigint) returns uuid
return md5(entity || number)::uuid;

create function pg_temp.pick(number bigint, variadic choices text [])
returns text
return choices[1 + number % cardinality(choices)];
"""

# A deleted source row takes along what refers to it, so that few deletes fail.
CASCADE = """
do $$
declare
    reference record;
begin
    for reference in
        select
            conrelid::regclass as referring,
            conname,
            pg_get_constraintdef(oid) as definition
        from pg_constraint
        where contype = 'f' and confdeltype = 'a'
    loop
        execute format(
            'alter table %s drop constraint %I, add constraint %I %s'
            ' on delete cascade',
            reference.referring, reference.conname, reference.conname,
            reference.definition
        );
    end loop;
end
$$;
"""

SEEDS = {
    "community": """
insert into community.communities (id, name, timezone, created_at)
select pg_temp.key('community', n), zone, zone, pg_temp.ago('35 days')
from unnest(array['America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'])
with ordinality as zones (zone, n);

insert into community.units (id, community_id, label)
select pg_temp.key(id::text, n), id, 'unit'
from community.communities, generate_series(1, 2) as n;

insert into community.amenities (id, community_id, name, open_hours_per_day)
select pg_temp.key('amenity', row_number() over (order by id)), id, 'Pool', 10
from community.communities;

insert into community.access_logs (
    community_id, visitor_id, entry_type, decision, occurred_at
)
select
    id, pg_temp.key('visitor', n % 9), 'visitor', 'granted',
    pg_temp.ago(n * interval '17 hours')
from community.communities, generate_series(1, 50) as n
order by id, n;

insert into community.packages (id, community_id, received_at, picked_up_at)
select
    pg_temp.key(id::text, n), id, pg_temp.ago(n * interval '37 hours'),
    pg_temp.ago(n * interval '35 hours')
from community.communities, generate_series(1, 20) as n;
""",
    "restaurant": """
insert into restaurant.accounts (id, name, timezone)
select pg_temp.key('account', n), zone, zone
from unnest(array['America/New_York', 'Asia/Kolkata'])
with ordinality as zones (zone, n);

insert into restaurant.locations (id, account_id, name)
select pg_temp.key(id::text, n), id, 'location'
from restaurant.accounts, generate_series(1, 2) as n;

insert into restaurant.calls (account_id, location_id, call_type, status, started_at)
select
    account_id, id, 'order', 'completed', pg_temp.ago(n * interval '17 hours')
from restaurant.locations, generate_series(1, 40) as n
order by id, n;
""",
    "rental": """
insert into rental.users (id, created_at, role)
select
    pg_temp.key('user', n), pg_temp.ago(n * interval '9 days'),
    pg_temp.pick(n, 'admin', 'customer', 'customer', 'customer')
from generate_series(1, 4) as n;

insert into rental.equipment (id, name, category, is_active, daily_rate)
select pg_temp.key('equipment', n), 'A machine', 'Press', n < 3, 100
from generate_series(1, 3) as n;

insert into rental.bookings (
    id, customer_id, equipment_id, status, starts_on, ends_on, total_amount,
    created_at, cancelled_at
)
select
    pg_temp.key('booking', n), pg_temp.key('user', 1 + n % 4),
    pg_temp.key('equipment', 1 + n % 3), status, starts_on, starts_on + n % 6,
    100.01 * n, pg_temp.ago(n * interval '53 hours'),
    case
        when status = 'cancelled' then pg_temp.ago(n * interval '47 hours')
    end
from generate_series(1, 20) as n
cross join lateral (
    select
        pg_temp.ago((n - 2) * interval '50 hours')::date as starts_on,
        pg_temp.pick(
            n, 'pending', 'confirmed', 'active', 'completed', 'cancelled'
        ) as status
) as booked;

insert into rental.payments (
    id, booking_id, customer_id, amount, status, paid_at
)
select
    pg_temp.key('payment', n),
    case when n % 5 > 0 then pg_temp.key('booking', n) end,
    pg_temp.key('user', 1 + n % 4), 33.33 * n,
    pg_temp.pick(n, 'succeeded', 'succeeded', 'succeeded', 'pending', 'failed'),
    pg_temp.ago(n * interval '51 hours')
from generate_series(1, 20) as n;

insert into rental.booking_payments (payment_id, booking_id, kind)
select id, booking_id, pg_temp.pick(n, 'deposit', 'balance', 'refund')
from rental.payments
inner join generate_series(1, 20) as n on id = pg_temp.key('payment', n)
where booking_id is not null and n % 4 > 0;

insert into rental.payment_schedules (id, booking_id, due_on, amount, paid_at)
select
    pg_temp.key('schedule', n), pg_temp.key('booking', n),
    pg_temp.ago((n - 2) * interval '60 hours')::date, 77.77 * n,
    case when n % 3 > 0 then pg_temp.ago((n - 1) * interval '55 hours') end
from generate_series(1, 15) as n;

insert into rental.manual_payments (
    id, booking_id, amount, method, received_at
)
select
    pg_temp.key('manual payment', n), pg_temp.key('booking', n), 11.11 * n,
    'cash', pg_temp.ago(n * interval '101 hours')
from generate_series(1, 8) as n;

insert into rental.payout_reconciliations (
    id, stripe_payout_id, amount, status, created_at, settled_at
)
select
    pg_temp.key('payout', n), 'po_' || n, 50 * n, status,
    pg_temp.ago(n * interval '90 hours'),
    case when status = 'paid' then pg_temp.ago(n * interval '70 hours') end
from generate_series(1, 10) as n
cross join lateral (
    select pg_temp.pick(n, 'pending', 'paid', 'paid', 'failed') as status
) as settled;

insert into rental.financial_transactions (kind, amount, occurred_at)
select
    pg_temp.pick(n, 'revenue', 'refund', 'fee', 'payout'), 20 * n,
    pg_temp.ago(n * interval '45 hours')
from generate_series(1, 20) as n;

insert into rental.insurance_documents (
    id, booking_id, status, submitted_at, reviewed_at
)
select
    pg_temp.key('document', n), pg_temp.key('booking', n), status,
    pg_temp.ago(n * interval '43 hours'),
    case when status <> 'pending' then pg_temp.ago(n * interval '39 hours') end
from generate_series(1, 12) as n
cross join lateral (
    select pg_temp.pick(n, 'pending', 'approved', 'rejected') as status
) as reviewed;

insert into rental.equipment_maintenance (
    id, equipment_id, due_on, completed_at
)
select
    pg_temp.key('maintenance', n), pg_temp.key('equipment', 1 + n % 3),
    pg_temp.ago((n - 2) * interval '10 days')::date,
    case when n > 4 then pg_temp.ago((n - 2) * interval '9 days') end
from generate_series(1, 7) as n;

insert into rental.support_tickets (
    id, customer_id, priority, status, created_at, first_response_at,
    resolved_at
)
select
    pg_temp.key('ticket', n), pg_temp.key('user', 1 + n % 4),
    pg_temp.pick(n / 4, 'low', 'medium', 'high', 'urgent'), status, created_at,
    case when status <> 'open' then created_at + n * interval '40 minutes' end,
    case when status = 'resolved' then created_at + n * interval '5 hours' end
from generate_series(1, 20) as n
cross join lateral (
    select
        pg_temp.pick(n, 'open', 'in_progress', 'resolved', 'closed') as status,
        pg_temp.ago((n - 1) * interval '41 hours') as created_at
) as opened;
""",
    "learning": """
insert into learning.profiles (user_id, created_at)
select pg_temp.key('learner', n), pg_temp.ago(n * interval '9 days')
from generate_series(1, 4) as n;

insert into learning.tracks (id, title)
select pg_temp.key('track', n), 'Track ' || n from generate_series(1, 2) as n;

insert into learning.enrollments (user_id, track_id, enrolled_at)
select
    pg_temp.key('learner', n), pg_temp.key('track', 1 + n % 2),
    pg_temp.ago(n * interval '10 days')
from generate_series(1, 4) as n;

insert into learning.learning_days (user_id, track_id, learned_on)
select
    pg_temp.key('learner', n), pg_temp.key('track', 1 + day % 2),
    pg_temp.ago(day * interval '1 day')::date
from generate_series(1, 4) as n, generate_series(0, 35) as day
where day % (n + 2) > 0 and day < 10 * n;

insert into learning.quizzes (id, track_id)
select pg_temp.key('quiz', n), pg_temp.key('track', n)
from generate_series(1, 2) as n;

insert into learning.quiz_attempts (
    id, quiz_id, user_id, started_at, completed_at, score
)
select
    pg_temp.key('attempt', n), pg_temp.key('quiz', 1 + n % 2),
    pg_temp.key('learner', 1 + n % 4), pg_temp.ago(n * interval '29 hours'),
    case when n % 3 > 0 then pg_temp.ago(n * interval '28 hours') end,
    case when n % 4 > 0 then 3.3 * n end
from generate_series(1, 24) as n;

insert into learning.review_sessions (
    id, user_id, started_at, ended_at, cards_reviewed
)
select
    pg_temp.key('session', n), pg_temp.key('learner', 1 + n % 4),
    pg_temp.ago(n * interval '31 hours'),
    case when n % 3 > 0 then pg_temp.ago(n * interval '30 hours') end, n
from generate_series(1, 20) as n;

insert into learning.explanation_views (
    user_id, track_id, viewed_at, seconds_read, was_helpful
)
select
    pg_temp.key('learner', 1 + n % 4), pg_temp.key('track', 1 + n % 2),
    pg_temp.ago(n * interval '23 hours'), n, nullif(n % 3, 2)::boolean
from generate_series(1, 24) as n;
""",
    "plant": """
insert into plant.assets (
    id, name, area, cost_per_minute, cost_per_waste_unit, timezone
)
select pg_temp.key('asset', n), zone, 'Forming', 1.5 * n, 0.333, zone
from unnest(array['America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'])
with ordinality as zones (zone, n);

insert into plant.production_targets (
    asset_id, target_date, planned_minutes, target_output
)
select id, pg_temp.ago(day * interval '1 day')::date, 480 + 480 * (day % 3), 100
from plant.assets, generate_series(-1, 30) as day
where day % 5 > 0;

insert into plant.production_counts (
    asset_id, counted_at, good_count, waste_count
)
select
    id, pg_temp.ago(n * interval '7 hours' + interval '5 minutes'), 20 + n, n % 4
from plant.assets, generate_series(0, 100) as n
order by id, n;

insert into plant.downtime_events (
    id, asset_id, started_at, ended_at, reason_code, severity, resolved_at
)
select
    pg_temp.key(id::text, n), id, started_at,
    case when n > 1 then started_at + n * interval '90 minutes' end,
    pg_temp.pick(n, 'Jam', 'Safety Issue', 'Cleaning'),
    pg_temp.pick(n, 'low', null, 'critical'),
    case when n % 2 = 0 then started_at + interval '3 hours' end
from plant.assets, generate_series(1, 12) as n
cross join lateral (
    select pg_temp.ago(n * interval '38 hours') as started_at
) as stopped;
""",
}
