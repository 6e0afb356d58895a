"""What a sync engine is sent: the rows that changed, and those alone."""

import psycopg
import pytest
from projects import FEW, fill, workplace
from psycopg.conninfo import conninfo_to_dict
from servers import temporary_server
from workers import until

from kpi_demo.binaries import system_binaries

pytest_plugins = ["projects"]

# A slot gives what is on disk, so a commit waits to be.
SETTINGS = {"wal_level": "logical", "synchronous_commit": "on"}

# What a table holds, as one number.
ALL_CALLS = """
    select coalesce(sum(hashtext(calls::text)::bigint), 0) from restaurant.calls
"""

SLOT = "select pg_create_logical_replication_slot('phone', 'pgoutput')"
# The messages of pgoutput since the last time, decoded as PowerSync reads them.
SENT = """
select data
from pg_logical_slot_get_binary_changes(
    'phone', null, null, 'proto_version', '1', 'publication_names', 'powersync'
)
"""


@pytest.fixture
def replicated(server, installation):
    """A project of which metrics_daily is replicated, on a server that can."""
    newest = server.version.startswith("18")
    binaries = None if newest else system_binaries(int(float(server.version)))
    with (
        temporary_server(binaries, SETTINGS) as logical,
        psycopg.connect(logical.url(), autocommit=True) as connection,
    ):
        connection.execute("create database replicated")
        url = logical.url("replicated")
        fill(url, FEW)
        with workplace(url, installation) as place:
            file = place.use_copy() / "models" / "restaurant" / "metrics_daily.yml"
            text = file.read_text()
            file.write_text(
                text.replace(
                    "      meta:\n", "      meta:\n        replicated: true\n", 1
                )
            )
            yield place


def sent(place):
    """What came through the slot: {message: how many}, and the relations named."""
    kinds, relations = {}, set()
    for (message,) in place.ask(SENT):
        kind = chr(message[0])
        if kind in "IUDT":
            kinds[kind] = kinds.get(kind, 0) + 1
        elif kind == "R":
            schema, name = message[5:].split(b"\0")[:2]
            relations.add(f"{schema.decode()}.{name.decode()}")
    return kinds, relations


def test_a_replica_is_sent_changed_rows_and_no_others(replicated):
    place = replicated
    place.answer("run")
    tables = (
        "select schemaname || '.' || tablename from pg_publication_tables"
        " where pubname = 'powersync'"
    )
    assert place.ask(tables) == [("analytics.metrics_daily",)]
    assert place.call("access", "check").exit_code == 0
    place.ask(SLOT)

    # Everything again, none of it different.
    place.ask("select orchestrator.request('metrics_daily')")
    place.ask("select orchestrator.request('kpi_daily')")
    place.answer("refresh", "metrics_daily")
    place.answer("run")
    assert sent(place) == ({}, set())

    ((account, location, date, calls),) = place.ask(
        "select account_id, location_id, date, total_calls"
        " from analytics.metrics_daily order by date, location_id limit 1"
    )
    place.ask(
        "insert into restaurant.calls"
        " (account_id, location_id, call_type, status, started_at)"
        " select %s, %s, 'order', 'completed',"
        "     (%s::date + time '12:00') at time zone timezone"
        " from restaurant.accounts where id = %s",
        account,
        location,
        date,
        account,
    )
    place.answer("refresh", "metrics_daily")
    assert sent(place) == ({"U": 1}, {"analytics.metrics_daily"})
    assert (
        place.value(
            "select total_calls from analytics.metrics_daily"
            " where location_id = %s and date = %s",
            location,
            date,
        )
        == calls + 1
    )
    place.ask(
        "delete from restaurant.calls where id = (select max(id) from restaurant.calls)"
    )
    place.answer("refresh", "metrics_daily")
    assert sent(place) == ({"U": 1}, {"analytics.metrics_daily"})

    # What is not published is not sent; what is drifts back.
    place.ask("alter publication powersync add table analytics.kpi_daily")
    place.ask("alter publication powersync drop table analytics.metrics_daily")
    said = place.call("access", "check").stdout
    assert "Publication powersync has analytics.kpi_daily, which is not" in said
    assert "Publication powersync does not have analytics.metrics_daily." in said
    place.call("access", "apply")
    assert place.ask(tables) == [("analytics.metrics_daily",)]
    # A new table under the old name is in it: to be copied, and then followed.
    assert place.dbt("run", "--full-refresh", "-s", "metrics_daily")
    assert place.ask(tables) == [("analytics.metrics_daily",)]
    sent(place)
    place.ask(
        "update restaurant.calls set status = 'missed'"
        " where id = (select max(id) from restaurant.calls where status = 'completed')"
    )
    place.answer("refresh", "metrics_daily")
    assert sent(place) == ({"U": 1}, {"analytics.metrics_daily"})
    place.ask("select pg_drop_replication_slot('phone')")


def test_what_is_replicated_into_this_database_is_noticed_row_by_row(
    server, installation
):
    newest = server.version.startswith("18")
    binaries = None if newest else system_binaries(int(float(server.version)))
    incident = """
        select message from orchestrator.alert_incidents
        where closed_at is null and model = 'restaurant.calls'
    """
    with (
        temporary_server(binaries, SETTINGS) as logical,
        psycopg.connect(logical.url(), autocommit=True) as connection,
    ):
        for name in ("application", "replica"):
            connection.execute(f"create database {name}")
            fill(logical.url(name), FEW)
        with (
            psycopg.connect(logical.url("application"), autocommit=True) as application,
            workplace(logical.url("replica"), installation) as place,
        ):
            application.execute("create publication app for table restaurant.calls")
            application.execute(
                "select pg_create_logical_replication_slot('app', 'pgoutput')"
            )
            place.ask("truncate restaurant.calls")
            place.answer("run")
            login = conninfo_to_dict(logical.url("application"))
            place.ask(
                "create subscription app connection"
                f" 'host={login['host']} port={login['port']} dbname=application"
                f" user={login['user']} password={login['password']}'"
                " publication app with (create_slot = false, slot_name = 'app')"
            )
            try:
                place.ask("select orchestrator.watch()")
                assert "arrive by replication" in place.value(incident)
                assert "arrive by replication" in place.call("doctor").stdout

                file = place.use_copy() / "models/restaurant/_restaurant__sources.yml"
                text = file.read_text()
                file.write_text(
                    text.replace(
                        "capture: {tenant: account_id, at: [started_at]}",
                        "capture: {tenant: account_id, at: [started_at],"
                        " replicated: true}",
                    )
                )
                place.answer("run")
                assert place.ask(incident) == []
                for change in (
                    "select 1",
                    "delete from restaurant.calls where id % 2 = 0",
                    "update restaurant.calls set started_at = started_at"
                    " - interval '1 day'",
                    "truncate restaurant.calls",
                ):
                    application.execute(change)
                    there = application.execute(ALL_CALLS).fetchone()[0]
                    until(lambda there=there: place.value(ALL_CALLS) == there)
                    place.ask("select * from analytics.refresh('metrics_daily')")
                    (audit,) = place.answer("audit", "metrics_daily", "--all")
                    assert audit["rows_different"] == 0, change
                assert place.count("metrics_daily") < 999
            finally:
                place.ask("alter subscription app disable")
                place.ask("alter subscription app set (slot_name = none)")
                place.ask("drop subscription app")
