"""Random changes of the source tables, as hypothesis draws them.

Small and adversarial: few tenants in odd time zones, moments that cluster at
the edges of days, weeks and months.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier, Literal

ZONES = [
    "UTC",
    "America/New_York",
    "America/Santiago",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
]

# The clock starts where the build left it; a test may only set it forward.
BUILT_AT = datetime.now(UTC).replace(microsecond=0)
HORIZON = 75  # days back that changes reach


@dataclass(frozen=True)
class Row:
    """A reference to some row of `table`, whichever there is."""

    table: str
    index: int


def row_of(table: str) -> st.SearchStrategy[Row]:
    return st.builds(Row, st.just(table), st.integers(0, 50))


def moments() -> st.SearchStrategy[datetime]:
    """Any time, or within a second of an hour: that is where periods end."""
    hours = st.integers(-HORIZON * 24, 72).map(
        lambda hour: BUILT_AT.replace(minute=0, second=0) + timedelta(hours=hour)
    )
    return st.builds(
        lambda hour, seconds: hour + timedelta(seconds=seconds),
        hours,
        st.one_of(st.integers(-1, 1), st.integers(0, 3599)),
    )


def days() -> st.SearchStrategy[Any]:
    return moments().map(lambda moment: moment.date())


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


COMMUNITY = {"community_id": row_of("community.communities")}
LOCATION = {
    "account_id": row_of("restaurant.accounts"),
    "location_id": row_of("restaurant.locations"),
}
AMOUNT = st.integers(1, 500)

# Every source table, and what its columns may become.
TABLES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "community.communities": {
        "name": st.just("A community"),
        "timezone": st.sampled_from(ZONES),
        "is_active": st.booleans(),
        "created_at": moments(),
    },
    "community.units": {**COMMUNITY, "label": st.just("A unit")},
    "community.access_logs": {
        **COMMUNITY,
        "visitor_id": maybe(st.uuids()),
        "entry_type": st.sampled_from(["resident", "visitor", "delivery", "staff"]),
        "decision": st.sampled_from(["granted", "denied"]),
        "occurred_at": moments(),
    },
    "community.incidents": {
        **COMMUNITY,
        "category": st.sampled_from(["noise", "leak"]),
        "reported_at": moments(),
        "resolved_at": maybe(moments()),
    },
    "community.patrol_logs": {
        **COMMUNITY,
        "checkpoint": st.just("gate"),
        "status": st.sampled_from(["completed", "missed"]),
        "scheduled_at": moments(),
    },
    "community.transactions": {
        **COMMUNITY,
        "unit_id": row_of("community.units"),
        "kind": st.sampled_from(["charge", "payment"]),
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
        **COMMUNITY,
        "name": st.sampled_from(["Pool", "Gym"]),
        "open_hours_per_day": st.integers(1, 24),
    },
    "community.reservations": {
        **COMMUNITY,
        "amenity_id": row_of("community.amenities"),
        "status": st.sampled_from(["booked", "cancelled", "completed", "no_show"]),
        "created_at": moments(),
        "starts_at": moments(),
        "ends_at": moments(),
        "cancelled_at": maybe(moments()),
    },
    "community.packages": {
        **COMMUNITY,
        "received_at": moments(),
        "picked_up_at": maybe(moments()),
    },
    "community.tickets": {
        **COMMUNITY,
        "created_at": moments(),
        "resolved_at": maybe(moments()),
    },
    "restaurant.accounts": {
        "name": st.just("An account"),
        "timezone": st.sampled_from(ZONES),
    },
    "restaurant.locations": {
        "account_id": row_of("restaurant.accounts"),
        "name": st.just("A location"),
    },
    "restaurant.account_settings": {
        "account_id": row_of("restaurant.accounts"),
        "revenue_mode": st.sampled_from(["orders", "reservations", "both"]),
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
        "call_type": st.sampled_from(["order", "reservation", "question", "other"]),
        "status": st.sampled_from(["completed", "missed", "failed"]),
        "started_at": moments(),
    },
    "restaurant.orders": {**LOCATION, "total_amount": AMOUNT, "created_at": moments()},
    "restaurant.reservations": {
        **LOCATION,
        "guest_count": st.integers(1, 8),
        "avg_spend_per_head_override": maybe(AMOUNT),
        "created_at": moments(),
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
    """Remove some row."""

    row: Row

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            SQL("delete from {} where ctid = {}").format(
                Identifier(*self.row.table.split(".")), _some(self.row, "ctid")
            )
        )


@dataclass(frozen=True)
class Truncate:
    """Empty a table that nothing refers to."""

    table: str

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            SQL("truncate {}").format(Identifier(*self.table.split(".")))
        )


@dataclass(frozen=True)
class PassTime:
    """Set the clock of refreshes forward."""

    hours: int

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            "select set_config('orchestrator.now', (coalesce("
            " nullif(current_setting('orchestrator.now', true), '')::timestamptz,"
            " now()) + make_interval(hours => %s))::text, true)",
            [self.hours],
        )


@dataclass(frozen=True)
class Refresh:
    """Refresh one summary table, in whatever order."""

    index: int

    def apply(self, connection: psycopg.Connection) -> None:
        connection.execute(
            "select refreshed.* from ("
            " select model from orchestrator.models order by model"
            " offset %s %% (select count(*) from orchestrator.models) limit 1"
            ") as picked, analytics.refresh(picked.model) as refreshed",
            [self.index],
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
            st.sampled_from([False, False, False, True]),
        )

    return st.sampled_from(sorted(TABLES[table])).flatmap(update)


def changes() -> st.SearchStrategy[list[Change]]:
    """A burst of changes."""
    table = st.sampled_from(sorted(TABLES))
    return st.lists(
        st.one_of(
            table.flatmap(inserts),
            table.flatmap(inserts),
            table.flatmap(updates),
            table.flatmap(updates),
            st.builds(Delete, table.flatmap(row_of)),
            st.builds(
                Truncate, st.sampled_from(["community.packages", "restaurant.calls"])
            ),
            st.builds(PassTime, st.integers(1, 24 * 20)),
            st.builds(Refresh, st.integers(0, 20)),
        ),
        min_size=1,
        max_size=25,
    )


def apply(connection: psycopg.Connection, change: Change) -> None:
    """Make the change, unless a constraint of the source forbids it."""
    try:
        with connection.transaction():
            change.apply(connection)
    except psycopg.errors.IntegrityError:
        pass


def _value(value: Any) -> Any:
    return _some(value, "id") if isinstance(value, Row) else Literal(value)


def _some(row: Row, column: str) -> Any:
    table = Identifier(*row.table.split("."))
    return SQL(
        "(select {} from {} order by {}::text"
        " offset {} % greatest((select count(*) from {}), 1) limit 1)"
    ).format(Identifier(column), table, Identifier(column), Literal(row.index), table)
