"""A first build takes as long as there are rows and days, not their product.

The rows that PostgreSQL touches are counted in its plans, of a source that is long
and narrow: a few things that happen on every day of many years.
"""

import json

import psycopg
import pytest
from projects import Workplace, named_database, workplace

from kpi_demo.source_data import ALL, create_sources

pytest_plugins = ["projects"]

SHORT, LONG = 250, 1000
MODELS = (
    "kpi_daily",
    "booking_trends",
    "dashboard_kpis",
    "equipment_utilization",
    "financial_summary",
    "revenue_trends",
    "support_sla",
    "active_learning_days",
    "daily_summaries",
    "metrics_daily",
)

# `days` days, on each of which two of everything begin and some earlier end.
HISTORY = """
create function pg_temp.key(entity text, number bigint) returns uuid
return md5(entity || number)::uuid;

create temporary table things as
select number, now() - (number / 2) * interval '1 day' as at
from generate_series(1, 2 * %(days)s) as number;

insert into rental.users (id, created_at, role)
select pg_temp.key('user', 1), min(at), 'customer' from things;
insert into rental.equipment (id, name, category, is_active, daily_rate)
select pg_temp.key('machine', 1), 'Crane', 'Crane', true, 1;
insert into rental.bookings (
    id, customer_id, equipment_id, status, starts_on, ends_on, total_amount,
    created_at
)
select
    pg_temp.key('booking', number), pg_temp.key('user', 1),
    pg_temp.key('machine', 1), 'completed', at::date, at::date + 2, 1, at
from things;
insert into rental.payments (id, booking_id, customer_id, amount, status, paid_at)
select id, id, customer_id, 1, 'succeeded', created_at from rental.bookings;
insert into rental.booking_payments (payment_id, booking_id, kind)
select id, booking_id, 'balance' from rental.payments;
insert into rental.payment_schedules (id, booking_id, due_on, amount, paid_at)
select id, id, starts_on, 1, created_at + interval '9 days' from rental.bookings;
insert into rental.payout_reconciliations (
    id, stripe_payout_id, amount, status, created_at, settled_at
)
select id, id::text, 1, 'paid', created_at, created_at + interval '9 days'
from rental.bookings;
insert into rental.financial_transactions (kind, amount, occurred_at)
select 'revenue', 1, created_at from rental.bookings;
insert into rental.insurance_documents (
    id, booking_id, status, submitted_at, reviewed_at
)
select id, id, 'approved', created_at, created_at + interval '9 days'
from rental.bookings;
insert into rental.equipment_maintenance (id, equipment_id, due_on, completed_at)
select id, equipment_id, starts_on, created_at + interval '9 days'
from rental.bookings;
insert into rental.support_tickets (
    id, customer_id, priority, status, created_at, first_response_at, resolved_at
)
select
    id, customer_id, 'high', 'resolved', created_at, created_at,
    created_at + interval '9 days'
from rental.bookings;

insert into community.communities (id, name, timezone, created_at)
select pg_temp.key('community', 1), 'C', 'UTC', min(at) from things;
insert into community.packages (id, community_id, received_at, picked_up_at)
select
    pg_temp.key('package', number), pg_temp.key('community', 1), at,
    at + interval '9 days'
from things;

insert into restaurant.accounts (id, name, timezone)
values (pg_temp.key('account', 1), 'A', 'UTC');
insert into restaurant.locations (id, account_id, name)
values (pg_temp.key('location', 1), pg_temp.key('account', 1), 'L');
insert into restaurant.calls (account_id, location_id, call_type, status, started_at)
select
    pg_temp.key('account', 1), pg_temp.key('location', 1), 'order', 'completed', at
from things;

insert into learning.profiles (user_id, created_at)
select pg_temp.key('learner', 1), min(at) from things;
insert into learning.tracks (id, title) values (pg_temp.key('track', 1), 'T');
insert into learning.learning_days (user_id, track_id, learned_on)
select distinct pg_temp.key('learner', 1), pg_temp.key('track', 1), at::date
from things;

insert into plant.assets (
    id, name, area, cost_per_minute, cost_per_waste_unit, timezone
)
values (pg_temp.key('asset', 1), 'A', 'A', 1, 1, 'UTC');
insert into plant.production_targets (
    asset_id, target_date, planned_minutes, target_output
)
select distinct pg_temp.key('asset', 1), at::date, 480, 100 from things;
insert into plant.downtime_events (
    id, asset_id, started_at, ended_at, reason_code, severity
)
select
    pg_temp.key('stop', number), pg_temp.key('asset', 1), at,
    at + interval '30 hours', 'Jam', 'low'
from things;
"""

EXPLAIN = """
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_analyze = on;
set auto_explain.log_timing = off;
set auto_explain.log_format = json;
set auto_explain.log_nested_statements = on;
set client_min_messages = log;
"""


@pytest.fixture(scope="module")
def work(server, whole_installation) -> dict[int, dict[str, int]]:
    """How many rows a rebuild of each model touches, of a short and a long history."""
    done = {}
    for days in (SHORT, LONG):
        with (
            named_database(server, "test", "template1") as url,
            workplace(url, whole_installation) as place,
            psycopg.connect(url, autocommit=True) as connection,
        ):
            create_sources(connection, ALL)
            connection.execute(psycopg.sql.SQL(HISTORY.replace("%(days)s", str(days))))
            connection.execute("analyze")
            place.answer("run")
            done[days] = {model: affected(place, model) for model in MODELS}
    return done


def affected(place: Workplace, model: str) -> int:
    """Rebuild a model, and count the rows that go through its plans' nodes."""
    rows = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        _, found, plan = (notice.message_primary or "").partition("plan:\n")
        if found:
            rows.append(of_node(json.loads(plan)["Plan"]))

    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(
            "insert into orchestrator.refresh_queue (model, reason)"
            " values (%s, 'test')",
            [model],
        )
        connection.execute(EXPLAIN)
        connection.add_notice_handler(note)
        ((status, periods, *_),) = connection.execute(
            "select * from analytics.refresh(%s)", [model]
        ).fetchall()
    assert status == "success"
    assert periods >= SHORT - 1
    return sum(rows)


def of_node(node: dict) -> int:
    """The rows that a node reads and drops or passes on, and those of its children."""
    passed = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
    passed += node.get("Rows Removed by Join Filter", 0)
    below = sum(of_node(child) for child in node.get("Plans", []))
    return int(passed * node.get("Actual Loops", 0)) + below


@pytest.mark.parametrize("model", MODELS)
def test_four_times_the_history_is_four_times_the_work(work, model):
    ratio = work[LONG][model] / work[SHORT][model]
    assert ratio < 1.5 * LONG / SHORT
