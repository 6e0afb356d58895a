"""No update is lost over midnight, whatever the clock does, in any order of runs.

A request goes only with the refresh that computes what it touches, or before the
watermark from which the clock brings it: see docs/architecture.md.
"""

import os
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Literal
from seeds import CASCADE, FUNCTIONS, SEEDS
from worlds import World

pytest_plugins = ["projects"]

EXAMPLES = 5 * int(os.environ.get("EXAMPLES", "4"))

# Midnight in Kolkata is 18:30, in Lord Howe 13:30, in New York 4:00 of UTC.
PRESENT = datetime(2026, 4, 15, 12, tzinfo=UTC)
HOURS = st.integers(-30, 40)

# What happens: a row of some hour comes in, or a refresh that thinks it is some hour,
# by a clock that may be ahead, behind, or an old transaction's.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enters"), HOURS),
        st.tuples(st.just("calls"), HOURS),
        st.tuples(st.just("refreshes"), HOURS),
    ),
    min_size=2,
    max_size=12,
)


@pytest.fixture
def worlds(whole_project):
    with psycopg.connect(whole_project.url) as connection:
        connection.execute("set timezone = 'UTC'")
        at(connection, PRESENT)
        found = []
        for domain in ("community", "restaurant"):
            tables = connection.execute(
                "select string_agg(oid::regclass::text, ', ') from pg_class"
                " where relnamespace = %s::regnamespace and relkind = 'r'",
                [domain],
            ).fetchone()[0]
            connection.execute(SQL("truncate {} cascade").format(SQL(tables)))
        connection.execute("update orchestrator.models set refreshed_through = null")
        connection.execute(CASCADE)
        connection.execute(FUNCTIONS)
        for domain in ("community", "restaurant"):
            connection.execute(SEEDS[domain])
            world = World.of(connection, domain)
            world.empty()
            world.refresh()
            found.append(world)
        yield found


def at(connection, moment):
    connection.execute(
        SQL("set orchestrator.now = {}").format(Literal(moment.isoformat()))
    )


@given(steps=STEPS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def interleave(worlds, steps):
    connection = worlds[0].connection
    with connection.transaction(force_rollback=True):
        for step, hours in steps:
            moment = PRESENT + timedelta(hours=hours)
            if step == "enters":
                connection.execute(
                    "insert into community.access_logs (community_id, entry_type,"
                    " decision, occurred_at) select id, 'visitor', 'granted', %s"
                    " from community.communities",
                    [moment - timedelta(seconds=20)],
                )
            elif step == "calls":
                connection.execute(
                    "insert into restaurant.calls (account_id, location_id, call_type,"
                    " status, started_at) select account_id, id, 'order',"
                    " 'completed', %s from restaurant.locations",
                    [moment - timedelta(seconds=20)],
                )
            else:
                at(connection, moment)
                for world in worlds:
                    world.refresh()
        # An hour that lies behind all of these, and one at which a day is over.
        for hours in (41, 66):
            at(connection, PRESENT + timedelta(hours=hours))
            for world in worlds:
                world.refresh()
        for world in worlds:
            world.assert_as_built()


def test_refreshes_that_overlap_midnights_lose_nothing(worlds):
    interleave(worlds)


def test_a_refresh_goes_by_the_moment_at_which_it_has_the_lock(project):
    """Not by that at which its transaction began, which may be yesterday."""
    with psycopg.connect(project.url) as connection:
        connection.execute("select now()")
        connection.execute("select pg_sleep(0.05)")
        connection.execute("select * from analytics.refresh('metrics_daily')")
        connection.execute("select orchestrator.request('kpi_daily')")
        connection.execute("select * from analytics.refresh('kpi_daily')")
        ((is_later,),) = connection.execute(
            "select refreshed_through > now() from orchestrator.models"
            " where model = 'kpi_daily'"
        ).fetchall()
    assert is_later


def test_a_clock_that_was_ahead_is_noticed_repaired_and_said(project):
    days = project.count("kpi_daily")
    clock = (
        "select set_config('orchestrator.now', (now() + interval '3 days')::text, %s)"
    )
    with psycopg.connect(project.url) as connection:
        connection.execute(clock, [True])
        connection.execute("select * from analytics.refresh('kpi_daily')")
    assert project.count("kpi_daily") > days
    states = dict(project.ask("select model, is_due from orchestrator.model_status"))
    assert states["kpi_daily"]

    project.ask("select orchestrator.refresh('kpi_daily', 'test')")
    assert project.count("kpi_daily") == days
    assert project.value(
        "select refreshed_through <= now() from orchestrator.models"
        " where model = 'kpi_daily'"
    )
    ((kind, message, is_open),) = project.ask(
        "select kind, message, closed_at is null from orchestrator.alert_incidents"
    )
    assert (kind, is_open) == ("clock", True)
    assert message.startswith("The server's clock went back: kpi_daily was refreshed")
    project.ask("select orchestrator.request('kpi_daily')")
    project.ask("select orchestrator.refresh('kpi_daily', 'test')")
    assert (
        project.ask(
            "select 1 from orchestrator.alert_incidents where closed_at is null"
        )
        == []
    )
