"""Random changes of the source tables, as hypothesis draws them.

Small and adversarial: few tenants in odd time zones, moments that cluster at
the edges of days and quarters of an hour, spans that end before they begin.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier, Literal

# When the changes begin. Each of the zones below has set its clock, or will,
# within weeks of it: Santiago at midnight, Lord Howe by half an hour.
PRESENT = datetime(2026, 4, 15, 10, 20, tzinfo=UTC)
HORIZON = 40  # days back that changes reach, a little further than the seeds
ROWS_BACK = 5

ZONES = [
    "UTC",
    "America/New_York",
    "America/Santiago",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
]

Values = st.SearchStrategy[Any]


@dataclass(frozen=True)
class Row:
    """A reference to some row of `table`, whichever there is; -1 is the last."""

    table: str
    index: int


def row_of(table: str) -> st.SearchStrategy[Row]:
    index = st.one_of(st.integers(-ROWS_BACK, ROWS_BACK), st.integers(0, 300))
    return st.builds(Row, st.just(table), index)


def recently(ahead: int) -> st.SearchStrategy[int]:
    """A number of days from the present, mostly few; at most so many ahead."""
    return st.one_of(st.integers(-3, 2), st.integers(-HORIZON, ahead))


def days() -> st.SearchStrategy[date]:
    return recently(25).map(lambda day: PRESENT.date() + timedelta(days=day))


def moments() -> st.SearchStrategy[datetime]:
    """Any time, but mostly within a second of where some period begins."""
    midnights = st.builds(
        lambda day, zone: datetime.combine(
            PRESENT.date() + timedelta(days=day), time(), ZoneInfo(zone)
        ).astimezone(UTC),
        recently(3),
        st.sampled_from(ZONES),
    )
    quarters = st.builds(
        lambda day, quarter: (
            PRESENT.replace(hour=0, minute=0)
            + timedelta(days=day, minutes=15 * quarter)
        ),
        recently(3),
        st.integers(0, 95),
    )
    return st.builds(
        lambda moment, seconds: moment + timedelta(seconds=seconds),
        st.one_of(midnights, quarters),
        st.one_of(st.integers(-1, 1), st.integers(0, 899)),
    )


def maybe(strategy: Values) -> Values:
    return st.one_of(st.none(), strategy)


def any_of(*values: object) -> Values:
    return st.sampled_from(values)


ID = {"id": st.integers(0, 9999).map(lambda number: UUID(int=number))}
AMOUNT = st.integers(1, 500)
MONEY = st.integers(1, 50_000).map(lambda cents: Decimal(cents) / 100)
COMMUNITY = {"community_id": row_of("community.communities")}
LOCATION = {
    "account_id": row_of("restaurant.accounts"),
    "location_id": row_of("restaurant.locations"),
}
BOOKING = row_of("rental.bookings")
CUSTOMER = row_of("rental.users")
EQUIPMENT = row_of("rental.equipment")
LEARNER = {"user_id": row_of("learning.profiles")}
TRACK = {"track_id": row_of("learning.tracks")}
ASSET = {"asset_id": row_of("plant.assets")}

# Every source table, and what its columns may become.
TABLES: dict[str, dict[str, Values]] = {
    "community.communities": {
        **ID,
        "name": st.just("A community"),
        "timezone": st.sampled_from(ZONES),
        "is_active": st.booleans(),
        "created_at": moments(),
    },
    "community.units": {**ID, **COMMUNITY, "label": st.just("A unit")},
    "community.access_logs": {
        **COMMUNITY,
        "visitor_id": maybe(ID["id"]),
        "entry_type": any_of("resident", "visitor", "delivery", "staff"),
        "decision": any_of("granted", "denied"),
        "occurred_at": moments(),
    },
    "community.incidents": {
        **ID,
        **COMMUNITY,
        "category": any_of("noise", "leak"),
        "reported_at": moments(),
        "resolved_at": maybe(moments()),
    },
    "community.patrol_logs": {
        **COMMUNITY,
        "checkpoint": st.just("gate"),
        "status": any_of("completed", "missed"),
        "scheduled_at": moments(),
    },
    "community.transactions": {
        **ID,
        **COMMUNITY,
        "unit_id": row_of("community.units"),
        "kind": any_of("charge", "payment"),
        "amount": AMOUNT,
        "posted_at": moments(),
        "voided_at": maybe(moments()),
    },
    "community.unit_balances": {
        **COMMUNITY,
        "unit_id": row_of("community.units"),
        "as_of_date": days(),
        "balance": st.integers(-100, 100),
        "oldest_due_date": maybe(days()),
    },
    "community.announcements": {**COMMUNITY, "created_at": moments()},
    "community.messages": {**COMMUNITY, "created_at": moments()},
    "community.amenities": {
        **ID,
        **COMMUNITY,
        "name": any_of("Pool", "Gym"),
        "open_hours_per_day": st.integers(1, 24),
    },
    "community.reservations": {
        **ID,
        **COMMUNITY,
        "amenity_id": row_of("community.amenities"),
        "status": any_of("booked", "cancelled", "completed", "no_show"),
        "created_at": moments(),
        "starts_at": moments(),
        "ends_at": moments(),
        "cancelled_at": maybe(moments()),
    },
    "community.packages": {
        **ID,
        **COMMUNITY,
        "received_at": moments(),
        "picked_up_at": maybe(moments()),
    },
    "community.tickets": {
        **ID,
        **COMMUNITY,
        "created_at": moments(),
        "resolved_at": maybe(moments()),
    },
    "restaurant.accounts": {
        **ID,
        "name": st.just("An account"),
        "timezone": st.sampled_from(ZONES),
    },
    "restaurant.locations": {
        **ID,
        "account_id": row_of("restaurant.accounts"),
        "name": st.just("A location"),
    },
    "restaurant.account_settings": {
        "account_id": row_of("restaurant.accounts"),
        "revenue_mode": any_of("orders", "reservations", "both"),
        "avg_spend_per_head": maybe(AMOUNT),
        "minutes_saved_baseline_seconds": maybe(AMOUNT),
    },
    "restaurant.location_settings": {
        "location_id": row_of("restaurant.locations"),
        "avg_spend_per_head": maybe(AMOUNT),
        "minutes_saved_baseline_seconds": maybe(AMOUNT),
    },
    "restaurant.calls": {
        **LOCATION,
        "call_type": any_of("order", "reservation", "question", "other"),
        "status": any_of("completed", "missed", "failed"),
        "started_at": moments(),
    },
    "restaurant.orders": {**LOCATION, "total_amount": AMOUNT, "created_at": moments()},
    "restaurant.reservations": {
        **LOCATION,
        "guest_count": st.integers(1, 8),
        "avg_spend_per_head_override": maybe(AMOUNT),
        "created_at": moments(),
    },
    "rental.users": {
        **ID,
        "created_at": moments(),
        "role": any_of("customer", "admin"),
    },
    "rental.equipment": {
        **ID,
        "name": st.just("A machine"),
        "category": st.just("Press"),
        "is_active": st.booleans(),
        "daily_rate": AMOUNT,
    },
    "rental.bookings": {
        **ID,
        "customer_id": CUSTOMER,
        "equipment_id": EQUIPMENT,
        "status": any_of("pending", "confirmed", "active", "completed", "cancelled"),
        "starts_on": days(),
        "ends_on": days(),
        "total_amount": MONEY,
        "created_at": moments(),
        "cancelled_at": maybe(moments()),
    },
    "rental.payments": {
        **ID,
        "booking_id": maybe(BOOKING),
        "customer_id": CUSTOMER,
        "amount": MONEY,
        "status": any_of("succeeded", "succeeded", "pending", "failed"),
        "paid_at": moments(),
    },
    "rental.booking_payments": {
        "payment_id": row_of("rental.payments"),
        "booking_id": BOOKING,
        "kind": any_of("deposit", "balance", "refund"),
    },
    "rental.payment_schedules": {
        **ID,
        "booking_id": BOOKING,
        "due_on": days(),
        "amount": MONEY,
        "paid_at": maybe(moments()),
    },
    "rental.manual_payments": {
        **ID,
        "booking_id": maybe(BOOKING),
        "amount": MONEY,
        "method": any_of("cash", "check", "wire"),
        "received_at": moments(),
    },
    "rental.payout_reconciliations": {
        **ID,
        "stripe_payout_id": st.integers(0, 9999).map(str),
        "amount": MONEY,
        "status": any_of("pending", "paid", "failed"),
        "created_at": moments(),
        "settled_at": maybe(moments()),
    },
    "rental.financial_transactions": {
        "kind": any_of("revenue", "refund", "fee", "payout"),
        "amount": MONEY,
        "occurred_at": moments(),
    },
    "rental.insurance_documents": {
        **ID,
        "booking_id": BOOKING,
        "status": any_of("pending", "approved", "rejected"),
        "submitted_at": moments(),
        "reviewed_at": maybe(moments()),
        "expires_on": maybe(days()),
    },
    "rental.equipment_maintenance": {
        **ID,
        "equipment_id": EQUIPMENT,
        "due_on": days(),
        "completed_at": maybe(moments()),
    },
    "rental.support_tickets": {
        **ID,
        "customer_id": CUSTOMER,
        "priority": any_of("low", "medium", "high", "urgent"),
        "status": any_of("open", "in_progress", "resolved", "closed"),
        "created_at": moments(),
        "first_response_at": maybe(moments()),
        "resolved_at": maybe(moments()),
    },
    "learning.profiles": {"user_id": ID["id"], "created_at": moments()},
    "learning.tracks": {**ID, "title": any_of("A track", "Another")},
    "learning.enrollments": {**LEARNER, **TRACK, "enrolled_at": moments()},
    "learning.learning_days": {**LEARNER, **TRACK, "learned_on": days()},
    "learning.quizzes": {**ID, **TRACK},
    "learning.quiz_attempts": {
        **ID,
        **LEARNER,
        "quiz_id": row_of("learning.quizzes"),
        "started_at": moments(),
        "completed_at": maybe(moments()),
        "score": maybe(st.integers(0, 300).map(lambda thirds: Decimal(thirds) / 3)),
    },
    "learning.review_sessions": {
        **ID,
        **LEARNER,
        "started_at": moments(),
        "ended_at": maybe(moments()),
        "cards_reviewed": st.integers(0, 50),
    },
    "learning.explanation_views": {
        **LEARNER,
        **TRACK,
        "viewed_at": moments(),
        "seconds_read": st.integers(0, 600),
        "was_helpful": maybe(st.booleans()),
    },
    "plant.assets": {
        **ID,
        "name": any_of("A press", "A lathe"),
        "area": st.just("Forming"),
        "cost_per_minute": AMOUNT,
        "cost_per_waste_unit": AMOUNT,
        "timezone": st.sampled_from(ZONES),
        "is_active": st.booleans(),
    },
    "plant.production_targets": {
        **ASSET,
        "target_date": days(),
        "planned_minutes": any_of(0, 480, 1440),
        "target_output": any_of(0, 1, 1000),
    },
    "plant.production_counts": {
        **ASSET,
        "counted_at": moments(),
        "good_count": st.integers(-20, 500),
        "waste_count": st.integers(-5, 50),
    },
    "plant.downtime_events": {
        **ID,
        **ASSET,
        "started_at": moments(),
        "ended_at": maybe(moments()),
        "reason_code": any_of("Jam", "Cleaning", "Safety Issue"),
        "severity": maybe(any_of("low", "medium", "high", "critical")),
        "description": maybe(any_of("Stopped", "Stuck")),
        "resolved_at": maybe(moments()),
        "resolved_by": maybe(ID["id"]),
    },
}


@dataclass(frozen=True)
class Insert:
    """Add a row; where one with its key is there already, nothing happens."""

    table: str
    values: dict[str, Any]

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            SQL("insert into {} ({}) values ({}) on conflict do nothing").format(
                Identifier(*self.table.split(".")),
                SQL(", ").join(map(Identifier, self.values)),
                SQL(", ").join(map(_value, self.values.values())),
            )
        )


@dataclass(frozen=True)
class Update:
    """Set one column of some row, or, `everywhere`, of all."""

    row: Row
    column: str
    value: Any
    everywhere: bool

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            SQL("update {} set {} = {} where {} or ctid = {}").format(
                Identifier(*self.row.table.split(".")),
                Identifier(self.column),
                _value(self.value),
                Literal(self.everywhere),
                _some(self.row, "ctid"),
            )
        )


@dataclass(frozen=True)
class Delete:
    """Remove some row, with what refers to it."""

    row: Row

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            SQL("delete from {} where ctid = {}").format(
                Identifier(*self.row.table.split(".")), _some(self.row, "ctid")
            )
        )


@dataclass(frozen=True)
class Truncate:
    """Empty a table, unless another refers to it."""

    table: str

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            SQL("truncate {}").format(Identifier(*self.table.split(".")))
        )


@dataclass(frozen=True)
class PassTime:
    """Set the clock of refreshes forward."""

    minutes: int

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            "select set_config('orchestrator.now', ("
            " current_setting('orchestrator.now')::timestamptz"
            " + make_interval(mins => %s))::text, true)",
            [self.minutes],
        )


@dataclass(frozen=True)
class Refresh:
    """Refresh one summary table of a domain, in whatever order."""

    domain: str
    index: int

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            "with known as ("
            " select model from orchestrator.models where sources[1] like %s"
            ") select refreshed.* from ("
            " select model from known order by model"
            " offset %s %% (select count(*) from known) limit 1"
            ") as picked, analytics.refresh(picked.model) as refreshed",
            [f"{self.domain}.%", self.index],
        )


Change = Insert | Update | Delete | Truncate | PassTime | Refresh


def inserts(table: str) -> st.SearchStrategy[Insert]:
    return st.builds(Insert, st.just(table), st.fixed_dictionaries(TABLES[table]))


def updates(table: str) -> st.SearchStrategy[Update]:
    def update(column: str) -> st.SearchStrategy[Update]:
        return st.builds(
            Update,
            row_of(table),
            st.just(column),
            TABLES[table][column],
            any_of(False, False, False, True),
        )

    return st.sampled_from(sorted(TABLES[table])).flatmap(update)


def passed_time() -> st.SearchStrategy[PassTime]:
    hours = st.integers(1, 24 * 20).map(lambda hours: 60 * hours)
    return st.builds(PassTime, st.one_of(st.integers(1, 120), hours))


def tables_of(domain: str) -> list[str]:
    return [name for name in TABLES if name.startswith(f"{domain}.")]


def changes(focus: str) -> st.SearchStrategy[list[Change]]:
    """A burst of changes, half of them to a table, half to any of its domain."""
    domain = focus.split(".")[0]
    tables = tables_of(domain)
    table = st.sampled_from([focus] * len(tables) + tables)
    kinds = {
        "insert": table.flatmap(inserts),
        "update": table.flatmap(updates),
        "delete": st.builds(Delete, table.flatmap(row_of)),
        "truncate": st.builds(Truncate, table),
        "time": passed_time(),
        "refresh": st.builds(Refresh, st.just(domain), st.integers(0, 20)),
    }
    often = ["insert", "update"] * 8 + ["delete"] * 4 + ["time", "refresh"] * 2
    change = any_of(*often, "truncate").flatmap(kinds.__getitem__)
    return st.integers(1, 20).flatmap(
        lambda size: st.lists(change, min_size=size, max_size=size)
    )


def apply(connection: psycopg.Connection, change: Change) -> None:
    """Make the change, unless a constraint of the source forbids it."""
    try:
        with connection.transaction():
            change.apply(connection)
    except (psycopg.errors.IntegrityError, psycopg.errors.FeatureNotSupported):
        pass


def _value(value: Any) -> Any:
    if not isinstance(value, Row):
        return Literal(value)
    return _some(value, "user_id" if value.table == "learning.profiles" else "id")


def _some(row: Row, column: str) -> Any:
    """A column of the row, counted in the order of the table's columns."""
    table = Identifier(*row.table.split("."))
    return SQL(
        "(select {} from {} as counted order by counted"
        " offset (select ({} + {} * count(*)) % greatest(count(*), 1) from {}) limit 1)"
    ).format(Identifier(column), table, Literal(row.index), Literal(ROWS_BACK), table)
