"""The summaries against plain queries over the source tables, on the demo's data.

See tests/naive. The demo's data is generated, built, changed and refreshed here up
to a fixed moment: in its fourteen months are a week 53 and the turn of a year, and
clocks that go forward, some of them in the last days, and back.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from naive import QUERIES
from projects import Workplace, named_database, workplace
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier, Literal

from kpi_demo.source_data import apply_changes, create_sources, generate

pytest_plugins = ["projects"]

UNTIL = datetime(2027, 3, 31, 15, tzinfo=UTC)
NOW = UNTIL + timedelta(minutes=40)

# When a row was written, not what is in it.
STAMPS = {"computed_at", "created_at", "updated_at", "refreshed_at"}

# Constant by contract: the log is of events that have this one reason.
CONSTANTS = {("safety_events", "reason_code")}

# Of one row by contract: a figure need not vary, only be there.
SINGLE_ROWS = {"summary_stats"}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def demo(server, whole_installation) -> Iterator[Workplace]:
    """What the demo leaves, of less data, and on the older server of little."""
    scale = 0.03 if server.version.startswith("15") else 0.2
    with (
        named_database(server, "test", "template1") as url,
        workplace(url, whole_installation) as place,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        create_sources(connection)
        generate(connection, scale=scale, seed=1, until=UNTIL)
        clock = SQL("alter database test set orchestrator.now = {}")
        connection.execute(clock.format(Literal(NOW.isoformat())))
        connection.execute("create table remembered as table plant.downtime_events")
        place.answer("run")
        apply_changes(connection)
        place.answer("run")
        yield place


@pytest.fixture
def connection(demo) -> Iterator[psycopg.Connection[Row]]:
    with psycopg.connect(demo.url, row_factory=dict_row) as connection:
        yield connection


def test_every_table_has_a_naive_query(demo):
    tables = demo.ask(
        "select model from orchestrator.models where relation like '%analytics%'"
    )
    assert {table for (table,) in tables} == set(QUERIES)


@pytest.mark.parametrize("table", QUERIES)
def test_the_table_holds_what_a_naive_query_finds(connection, table):
    (model,) = connection.execute(
        "select refreshed_through as now from orchestrator.models where model = %s",
        [table],
    ).fetchall()
    expected = connection.execute(QUERIES[table], model).fetchall()
    stored = rows(connection, table)
    assert stored
    assert set(expected[0]) == set(stored[0]) - STAMPS
    assert differences(table, key(connection, table), stored, expected) == []


# Without this a column could be right because nothing ever happens in it.
@pytest.mark.parametrize("server", ["embedded"], indirect=True, ids=["pg18"])
@pytest.mark.parametrize("table", QUERIES)
def test_the_demo_has_something_to_show_in_every_column(connection, table):
    stored = rows(connection, table)
    fewest = 1 if table in SINGLE_ROWS else 2
    dull = []
    for column in set(stored[0]) - STAMPS - {c for t, c in CONSTANTS if t == table}:
        values = {repr(row[column]) for row in stored if row[column] is not None}
        if len(values) < fewest or not any(row[column] for row in stored):
            dull.append(column)
    assert dull == []


def rows(connection: psycopg.Connection[Row], table: str) -> list[Row]:
    query = SQL("select * from {}").format(Identifier("analytics", table))
    return connection.execute(query).fetchall()


def key(connection: psycopg.Connection[Row], table: str) -> list[str]:
    """The columns that a row is found by: its natural key, where it has an id too."""
    (found, *_) = connection.execute(
        """
        select array_agg(attname::text order by attnum) as columns
        from pg_index, pg_attribute
        where
            pg_index.indrelid = to_regclass('analytics.' || %s)
            and pg_index.indisunique
            and pg_attribute.attrelid = pg_index.indrelid
            and pg_attribute.attnum = any (pg_index.indkey)
        group by pg_index.indexrelid
        order by array_agg(attname::text) = '{id}'
        """,
        [table],
    ).fetchall()
    return found["columns"]


def differences(
    table: str, key: list[str], stored: list[Row], expected: list[Row]
) -> list[str]:
    """Say in which rows and columns the table is not as expected; a few of them."""

    def by_key(found: list[Row]) -> dict[tuple[Any, ...], Row]:
        keyed = {tuple(row[column] for column in key): row for row in found}
        assert len(keyed) == len(found), f"{key} is no key"
        return keyed

    shown = []
    actual, wanted = by_key(stored), by_key(expected)
    for row_key in sorted(actual.keys() | wanted.keys(), key=repr):
        name = ", ".join(map(str, row_key))
        if row_key not in actual:
            shown.append(f"{name}: is missing, should be {wanted[row_key]}")
        elif row_key not in wanted:
            shown.append(f"{name}: should not be there, is {actual[row_key]}")
        else:
            shown += [
                f"{name}: {column} is {actual[row_key][column]}, should be {value}"
                for column, value in wanted[row_key].items()
                if not same(table, column, actual[row_key][column], value)
            ]
    return [*shown[:20], f"{len(shown)} in all"] if shown else []


def same(table: str, column: str, actual: Any, wanted: Any) -> bool:
    compare = WORDS.get((table, column), lambda shown, meant: shown == meant)
    return compare(actual, wanted)


def mentions(sentence: str, facts: list[str]) -> bool:
    return all(fact in sentence.replace(",", "") for fact in facts)


def same_alerts(shown: list[Row], meant: list[Row]) -> bool:
    """The alerts in whatever order, each with a message, in whatever words."""
    facts = [{k: v for k, v in alert.items() if k != "message"} for alert in shown]
    said = all(alert["message"] for alert in shown)
    return said and sorted(facts, key=repr) == sorted(meant, key=repr)


# Of sentences it is only asked whether they say what they must.
WORDS: dict[tuple[str, str], Callable[[Any, Any], bool]] = {
    ("dashboard_kpis", "alerts"): same_alerts,
    ("daily_summaries", "smart_summary_text"): mentions,
}
