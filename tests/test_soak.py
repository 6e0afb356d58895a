"""Everything at once, for as long as SOAK says (seconds): nothing lost, nobody harmed.

Two workers and pg_cron refresh while an application writes, imports, deletes tenants
and stores rows that no table can hold, and while processes are killed. SOAK_RESULTS
names a file for the figures.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import quantiles

import psycopg
import pytest
from projects import FEW, Workplace, fill, workplace
from servers import temporary_folder
from test_cron import start
from workers import CHANGES, hurry, is_served, start_worker, until
from worlds import World

from kpi_demo.binaries import system_binaries
from kpi_demo.server import Server, remove

pytest_plugins = ["projects"]

SECONDS = float(os.environ.get("SOAK", "20"))

# Who waits for a lock of ours at this moment, and since when.
WAITING = """
    select waiting.pid, waiting.query_start, clock_timestamp() - waiting.query_start
    from pg_stat_activity as waiting
    where
        waiting.application_name = 'application'
        and waiting.wait_event_type = 'Lock'
        and exists (
            select from pg_stat_activity as blocking
            where
                blocking.pid = any(pg_blocking_pids(waiting.pid))
                and blocking.application_name <> 'application'
        )
"""

IMPORT = """
    insert into restaurant.calls (
        account_id, location_id, call_type, status, started_at
    )
    select
        account_id, id, 'order', 'completed',
        now() - number * interval '1 day' - random() * interval '1 hour'
    from restaurant.locations, generate_series(1, %s) as number
"""

# Tenants that come with rows, and go with all that refers to them.
COME = """
    with account as (
        insert into restaurant.accounts (id, name, timezone)
        values (gen_random_uuid(), 'Short-lived', 'Asia/Kolkata')
        returning id
    ),
    location as (
        insert into restaurant.locations (id, account_id, name)
        select gen_random_uuid(), id, 'Here' from account
        returning id, account_id
    )
    insert into restaurant.calls (
        account_id, location_id, call_type, status, started_at
    )
    select account_id, id, 'order', 'completed', now() - n * interval '1 day'
    from location, generate_series(1, 30) as n
"""
GO = """
    delete from restaurant.calls where account_id in (
        select id from restaurant.accounts where name = 'Short-lived'
    );
    delete from restaurant.locations where account_id in (
        select id from restaurant.accounts where name = 'Short-lived'
    );
    delete from restaurant.accounts where name = 'Short-lived'
"""

POISON = """
    insert into restaurant.orders (
        account_id, location_id, total_amount, created_at
    )
    select account_id, id, 899999999999.99, now() - interval '2 days'
    from (select * from restaurant.locations order by id limit 1) as location,
        generate_series(1, 2)
"""
REMEDY = "delete from restaurant.orders where total_amount > 999999999"

STATEMENTS = {
    "changes": CHANGES,
    "more changes": CHANGES,
    "tenants": [COME, GO],
    "poison": [POISON, "select pg_sleep(2)", REMEDY, "select pg_sleep(2)"],
    "imports": [IMPORT.replace("%s", "300"), "select pg_sleep(5)"],
}


class Application:
    """A thread of statements, through every outage; how long each took."""

    def __init__(self, url: str, statements: list[str], seed: int) -> None:
        self.errors: Counter[str] = Counter()
        self.own_conflicts = 0
        self.seconds: list[float] = []
        self._url = url
        self._statements = statements
        self._choice = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._over.is_set():
            try:
                with psycopg.connect(
                    self._url, autocommit=True, application_name="application"
                ) as connection:
                    while not self._over.wait(self._choice.random() / 10):
                        statement = self._statements[number % len(self._statements)]
                        number += 1
                        began = time.monotonic()
                        with connection.transaction():
                            connection.execute(statement)  # type: ignore[call-overload]
                        if "pg_sleep" not in statement:
                            self.seconds.append(time.monotonic() - began)
            except psycopg.OperationalError as error:
                if error.sqlstate and error.sqlstate[:2] not in ("57", "08"):
                    self.errors[f"{error.sqlstate}: {error.diag.message_primary}"] += 1
                self._over.wait(0.1)
            except psycopg.Error as error:
                if error.diag.schema_name in FEW:
                    self.own_conflicts += 1  # a tenant that has just been deleted
                else:
                    self.errors[f"{error.sqlstate}: {error.diag.message_primary}"] += 1


class Waits:
    """How long the application's statements wait for locks of ours, by a look."""

    def __init__(self, url: str) -> None:
        self.longest = timedelta()
        self.number = 0
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        seen = set()
        while not self._over.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    while not self._over.wait(0.02):
                        for pid, since, waited in connection.execute(WAITING):
                            seen.add((pid, since))
                            self.longest = max(self.longest, waited)
                        self.number = len(seen)
            except psycopg.OperationalError:
                self._over.wait(0.1)


@pytest.fixture
def scheduled(server, installation) -> Iterator[tuple[Workplace, Path]]:
    """A built database of few domains on a server of its own that has pg_cron."""
    binaries = system_binaries(15)
    if binaries is None or not (binaries.parent / "lib" / "pg_cron.so").exists():
        missing = "pg_cron is not installed on this system"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with temporary_folder() as folder:
        data_dir = folder / "server"
        try:
            own = start(data_dir)
            with psycopg.connect(own.url(), autocommit=True) as connection:
                connection.execute("create database scheduled")
            fill(own.url("scheduled"), FEW)
            with workplace(own.url("scheduled"), installation) as place:
                place.answer("run")
                assert place.call("cron", "install").exit_code == 0
                hurry(place)
                yield place, data_dir
        finally:
            remove(data_dir)


@pytest.mark.parametrize("server", [15], indirect=True, ids=["pg15"])
def test_nothing_is_lost_and_nobody_harmed_whatever_happens_immediate(scheduled):
    place, data_dir = scheduled
    choice = random.Random(1)
    alive = [start_worker(place), start_worker(place)]
    applications = {
        name: Application(place.url, statements, seed)
        for seed, (name, statements) in enumerate(STATEMENTS.items())
    }
    waits = Waits(place.url)
    kills = dict.fromkeys(("worker", "backend", "server"), 0)
    began = time.monotonic()
    try:
        while time.monotonic() - began < SECONDS:
            time.sleep(choice.uniform(2, 6))
            kind = choice.choice([*kills, "backend"])
            kills[kind] += 1
            if kind == "worker":
                killed = alive.pop(0)
                killed.process.kill()
                killed.process.wait()
                alive.append(start_worker(place))
            elif kind == "server":
                running = Server.find(data_dir)
                assert running is not None
                running.stop("immediate")
                start(data_dir)
            else:
                place.ask(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database()"
                    " and pid <> pg_backend_pid()"
                    " and application_name <> 'application'"
                    " order by random() limit 1"
                )
        for each in applications.values():
            each.stop()
        place.ask(REMEDY)
        until(
            lambda: is_served(place),
            lambda: "\n".join(each.said for each in alive),
        )
        for each in alive:
            each.says("The worker has started")
            assert each.stop() == 0
            assert "Traceback" not in each.said
    finally:
        waits.stop()
        for each in applications.values():
            each.stop()
        for worker in alive:
            worker.process.kill()
            worker.process.wait()

    note(place, applications, kills, waits, time.monotonic() - began)
    assert sum((each.errors for each in applications.values()), Counter()) == {}
    with psycopg.connect(place.url) as connection:
        for domain in FEW:
            World.of(connection, domain).assert_as_built()
        connection.rollback()
    assert place.ask("select 1 from orchestrator.quarantine") == []


def note(place, applications, kills, waits, seconds):
    """Write down what was measured, where SOAK_RESULTS says."""
    if not (path := os.environ.get("SOAK_RESULTS")):
        return
    figures = {
        "seconds": round(seconds),
        "kills": kills,
        "statements": {
            name: {
                "number": len(each.seconds),
                "p50_ms": round(1e3 * quantiles(each.seconds, n=100)[49], 1),
                "p99_ms": round(1e3 * quantiles(each.seconds, n=100)[98], 1),
                "longest_ms": round(1e3 * max(each.seconds), 1),
                "errors": each.errors,
                "conflicts_of_its_own": each.own_conflicts,
            }
            for name, each in applications.items()
        },
        "waits_for_locks_of_ours": {
            "seen": waits.number,
            "longest_ms": round(1e3 * waits.longest.total_seconds(), 1),
        },
        "runs": dict(
            place.ask("select status, count(*) from orchestrator.job_runs group by 1")
        ),
        "incidents": dict(
            place.ask(
                "select kind, count(*) from orchestrator.alert_incidents group by 1"
            )
        ),
        "rows_changed": place.value(
            "select sum(rows_changed) from orchestrator.job_runs"
        ),
    }
    Path(path).write_text(json.dumps(figures, indent=2) + "\n")
