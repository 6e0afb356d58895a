"""What a sync engine is sent: the rows that changed, and those alone."""

import psycopg
import pytest
from projects import FEW, fill, workplace
from servers import temporary_server

from orchestrator.binaries import system_binaries

pytest_plugins = ["projects"]

# A slot gives what is on disk, so a commit waits to be.
SETTINGS = {"wal_level": "logical", "synchronous_commit": "on"}

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
