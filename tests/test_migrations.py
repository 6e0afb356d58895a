"""An application that migrates its tables at random, while they are summed up.

Set MIGRATIONS for a longer search; what fails is printed with its seed.
"""

import os
import random
import re

import psycopg
import pytest

pytest_plugins = ["projects"]

# How many times an application lives through this many steps.
MIGRATIONS = int(os.environ.get("MIGRATIONS", "3"))
STEPS = 40

TABLES = {"calls": "started_at", "orders": "created_at", "reservations": "created_at"}

INSERT = {
    "calls": "insert into {} (id, account_id, location_id, call_type, status,"
    " started_at) overriding system value select (random() * 1e15)::bigint,"
    " account_id, id, 'order', 'completed', now() - {} * interval '1 day'"
    " from restaurant.locations where random() < 0.5",
    "orders": "insert into {} (account_id, location_id, total_amount, created_at)"
    " select account_id, id, 12.5, now() - {} * interval '1 day'"
    " from restaurant.locations where random() < 0.5",
    "reservations": "insert into {} (account_id, location_id, guest_count, created_at)"
    " select account_id, id, 4, now() - {} * interval '1 day'"
    " from restaurant.locations where random() < 0.5",
}

PARTITIONED = """
    alter table restaurant.calls rename to old_calls;
    create table restaurant.calls (like restaurant.old_calls including defaults)
    partition by range (started_at);
    create table restaurant.calls_1 partition of restaurant.calls default;
    insert into restaurant.calls select * from restaurant.old_calls;
    drop table restaurant.old_calls;
"""

SEPARATE = """
    select relname from pg_class
    where relnamespace = 'restaurant'::regnamespace and relname like 'calls\\_%'
        and relkind = 'r' and not relispartition
    order by 1
"""
PARTITIONS = """
    select relname, pg_get_expr(relpartbound, pg_class.oid)
    from pg_inherits
    inner join pg_class on pg_class.oid = inhrelid
    where inhparent = 'restaurant.calls'::regclass
    order by 1
"""


class Application:
    """Writes and migrates as it likes; knows nothing of what reads its tables."""

    def __init__(self, place, seed):
        self.place = place
        self.choice = random.Random(seed)
        self.did = [f"seed {seed}"]
        self.renamed = False
        self.partitions = 1

    def do(self, statement):
        self.did.append(statement)
        failure = ""
        try:
            self.place.ask(statement)
        except psycopg.Error as error:
            failure = str(error)
            self.did[-1] += f" -- {failure}"
        # Its own mistakes it may make; what is ours is no reason to fail.
        assert not re.search("orchestrator|analytics", failure), "\n".join(self.did)

    def step(self):
        self.choice.choice(
            [self.write, self.write, self.write, self.migrate, self.repartition]
        )()

    def write(self):
        table = self.choice.choice(list(TABLES))
        place = f"restaurant.{table}"
        if table == "calls":
            names = ["calls", *[name for name, _ in self.place.ask(PARTITIONS)]]
            place = f"restaurant.{self.choice.choice(names)}"
        at = TABLES[table]
        days = self.choice.randrange(1, 300)
        self.do(
            self.choice.choice(
                [
                    INSERT[table].format(place, days),
                    f"delete from {place} where random() < 0.1",
                    f"update {place} set {at} = {at} - interval '3 days'"
                    " where random() < 0.1",
                ]
            )
        )

    def migrate(self):
        table = self.choice.choice(["calls", "orders", "reservations"])
        amount = "total" if self.renamed else "total_amount"
        scale = self.choice.randrange(2, 5)
        kinds = {
            "add": f"alter table restaurant.{table} add if not exists note text",
            "drop": f"alter table restaurant.{table} drop if exists note",
            "retype": f"alter table restaurant.orders alter {amount}"
            f" type numeric(16, {scale})",
            "rename": f"alter table restaurant.orders rename {amount} to"
            f" {'total_amount' if self.renamed else 'total'}",
            "off": f"alter table restaurant.{table} disable trigger user",
            "on": f"alter table restaurant.{table} enable trigger user",
            "truncate": f"truncate restaurant.{table}",
            "again": f"create table restaurant.copy as table restaurant.{table};"
            f" drop table restaurant.{table};"
            f" alter table restaurant.copy rename to {table}",
            "restore": f"create temporary table saved as table restaurant.{table};"
            f" set session_replication_role = replica; delete from restaurant.{table};"
            f" insert into restaurant.{table} overriding system value"
            " select * from saved where random() < 0.9",
        }
        kind = self.choice.choice(list(kinds))
        if kind == "again" and table == "calls":
            return
        self.do(kinds[kind])
        if kind == "rename":
            self.renamed = not self.renamed

    def repartition(self):
        separate = [name for (name,) in self.place.ask(SEPARATE)]
        partitions = self.place.ask(PARTITIONS)
        kind = self.choice.choice(["create", "attach", "detach", "drop"])
        if kind == "create":
            self.partitions += 1
            days = self.choice.randrange(1, 20) * 5
            self.do(
                f"create table restaurant.calls_{self.partitions} partition of"
                f" restaurant.calls for values from (now() - interval '{days} days')"
                f" to (now() - interval '{days - 4} days')"
            )
        elif kind == "attach" and separate:
            name = self.choice.choice(separate)
            self.do(
                f"alter table restaurant.calls attach partition restaurant.{name}"
                " default"
            )
        elif kind == "detach" and partitions:
            name, _ = self.choice.choice(partitions)
            self.do(f"alter table restaurant.calls detach partition restaurant.{name}")
        elif kind == "drop" and len(partitions) > 1:
            name, _ = self.choice.choice(partitions)
            self.do(f"drop table restaurant.{name}")


@pytest.mark.parametrize(
    "seed", [random.randrange(10**6) for _ in range(MIGRATIONS)], ids=range(MIGRATIONS)
)
def test_whatever_is_migrated_no_difference_is_silent(project, seed):
    application = Application(project, seed)
    if application.choice.random() < 0.5:
        project.ask("drop event trigger orchestrator_look")
    project.ask(PARTITIONED)
    for _ in range(STEPS):
        application.step()
        upkeep = application.choice.random()
        if upkeep < 0.3:
            project.ask("select * from analytics.refresh('metrics_daily')")
            application.did.append("-- refresh")
        elif upkeep < 0.5:
            project.ask("select orchestrator.watch()")
            application.did.append("-- watch")
        elif upkeep < 0.53:
            project.call("run", "-s", "metrics_daily")
            application.did.append("-- run")
    project.ask("select orchestrator.watch()")
    ((status, error),) = project.ask(
        "select status, error_message from analytics.refresh('metrics_daily')"
    )
    said = project.ask(
        "select message from orchestrator.alert_incidents where closed_at is null"
    )
    if status == "error":
        assert application.renamed, (error, "\n".join(application.did))
    elif not said:
        (audit,) = project.answer("audit", "metrics_daily", "--all")
        assert audit["rows_different"] == 0, "\n".join(application.did)

    # Once all is as it was meant to be, a run is enough.
    if application.renamed:
        application.do("alter table restaurant.orders rename total to total_amount")
    project.call("run")
    project.ask("select orchestrator.watch()")
    done = project.answer("run")
    assert {run["status"] for run in done} == {"success"}, "\n".join(application.did)
    assert (
        project.ask(
            "select kind, message from orchestrator.alert_incidents"
            " where closed_at is null and kind in ('capture', 'hidden', 'failing')"
        )
        == []
    ), "\n".join(application.did)
    (audit,) = project.answer("audit", "metrics_daily", "--all")
    assert audit["rows_different"] == 0, "\n".join(application.did)
