"""What the triggers cost the application that writes.

Calls are inserted by pgbench, one a transaction, from one client to many, and by
ten thousand at a time; with the trigger, without it, and with the least that a trigger
can do. What was inserted is deleted again in the end.
"""

import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from benchmarks.measure import Results, seconds
from benchmarks.site import BenchmarkError, Site, run
from kpi_demo.binaries import system_binaries
from orchestrator.errors import UsageError

CLIENTS = (1, 4, 16)
SCRIPT = Path(__file__).with_name("sql") / "insert_call.pgbench"
SECONDS = 1  # briefly and often: what a disk has to do comes and goes
ROUNDS = 6  # a repetition
BATCH = 10_000

TRIGGERS = {
    "without": None,
    "least": "benchmark_tell",
    "with": "orchestrator_capture_insert",
}


def measure(site: Site, results: Results, repetitions: int) -> None:
    """Measure inserts with each of the triggers and without."""
    pgbench = find_pgbench()
    with site.connect() as connection:
        ((last,),) = connection.execute(
            "select max(id) from restaurant.calls"
        ).fetchall()
        run(connection, "least_trigger")
        try:
            for clients in CLIENTS:
                rates: dict[str, list[float]] = {triggers: [] for triggers in TRIGGERS}
                order = list(TRIGGERS)
                for _ in range(ROUNDS * repetitions):
                    for triggers in order:
                        _switch(connection, triggers)
                        rates[triggers].append(_rate(site, pgbench, clients))
                    order.append(order.pop(0))
                for triggers, per_second in rates.items():
                    results.add(
                        "single rows",
                        triggers=triggers,
                        clients=clients,
                        per_second=per_second,
                    )
            _batches(site, connection, results, repetitions)
        finally:
            _switch(connection, "with")
            connection.execute("drop function benchmark.note cascade")
            run(connection, "delete_inserted", last=last)
            connection.execute("vacuum analyze restaurant.calls")
            connection.execute("vacuum analyze orchestrator.refresh_queue")


def find_pgbench() -> Path:
    """Return the system's pgbench. Raises UsageError where there is none."""
    for major in (18, 17, 16, 15):
        binaries = system_binaries(major)
        if binaries and (binaries / "pgbench").exists():
            return binaries / "pgbench"
    raise UsageError(
        "There is no pgbench here: install PostgreSQL's programs (on Debian: "
        "apt-get install postgresql), or leave out the part 'capture'."
    )


def _batches(
    site: Site, connection: Connection[Any], results: Results, repetitions: int
) -> None:
    for accounts in (1, site.accounts):
        insert = partial(run, connection, "insert_batch", accounts=accounts, rows=BATCH)
        insert()
        samples: dict[str, list[float]] = {triggers: [] for triggers in TRIGGERS}
        for _ in range(3 * repetitions):
            for triggers, taken in samples.items():
                _switch(connection, triggers)
                taken.append(seconds(insert))
        for triggers, taken in samples.items():
            results.add(
                "batches",
                triggers=triggers,
                accounts=accounts,
                rows=BATCH,
                seconds=taken,
            )


def _switch(connection: Connection[Any], chosen: str) -> None:
    """Enable one of the triggers, or none."""
    for name, trigger in TRIGGERS.items():
        if trigger:
            connection.execute(
                SQL("alter table restaurant.calls {} trigger {}").format(
                    SQL("enable" if name == chosen else "disable"), Identifier(trigger)
                )
            )


def _rate(site: Site, pgbench: Path, clients: int) -> float:
    """Return how many transactions a second so many clients get done."""
    login = conninfo_to_dict(site.url)
    done = subprocess.run(
        [
            pgbench,
            *("--no-vacuum", "--protocol", "prepared", "--file", SCRIPT),
            *("--define", f"accounts={site.accounts}"),
            *("--client", str(clients), "--jobs", str(min(clients, 2))),
            *("--time", str(SECONDS)),
        ],
        env={
            "PGHOST": str(login["host"]),
            "PGPORT": str(login["port"]),
            "PGUSER": str(login["user"]),
            "PGPASSWORD": str(login["password"]),
            "PGDATABASE": str(login["dbname"]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if rate is None:
        raise BenchmarkError(f"pgbench failed: {done.stdout}{done.stderr}")
    return float(rate[1])
