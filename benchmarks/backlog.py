"""A backlog: an import that touches a great many tenants' days, while others change.

One call for each account and day of a time before the first; as many account-days as
the size has calls.
"""

import threading
import time
from contextlib import suppress
from typing import Any

import psutil
import psycopg
from psycopg import Connection

from benchmarks.measure import Results, seconds
from benchmarks.site import Site, run
from benchmarks.worker import until_visible

PAUSE = 0.5  # seconds between the changes that are made meanwhile


def measure(site: Site, results: Results, repetitions: int) -> None:
    """Measure an import, its draining, and how soon changes of that time show."""
    days = max(1, site.calls // site.accounts)
    with site.connect() as connection:
        run(connection, "prepare_backlog")
        for name, table in (
            ("import without triggers", "benchmark.calls"),
            ("import", "restaurant.calls"),
        ):

            def load(table: str = table) -> None:
                run(connection, "import_calls", table=table, days=days)

            results.add(name, seconds=seconds(load))
        _drain(site, connection, results)
        run(connection, "forget_backlog")
    results.note(account_days=days * site.accounts)


def _drain(site: Site, connection: Connection[Any], results: Results) -> None:
    ((queued, temporary),) = run(connection, "backlog_state")
    results.add("queue", bytes=queued)
    with psycopg.connect(site.url, autocommit=True) as draining:
        process = psutil.Process(draining.info.backend_pid)
        work = threading.Thread(target=_refresh, args=(draining,))
        began = time.perf_counter()
        work.start()
        delays, memory = [], []
        while work.is_alive():
            with suppress(psutil.NoSuchProcess):
                memory.append(process.memory_full_info().uss)
            delays.append(until_visible(connection, "change_order", site))
            time.sleep(PAUSE)
        work.join()
        took = time.perf_counter() - began
    ((_, used),) = run(connection, "backlog_state")
    results.add("changes meanwhile", seconds=delays)
    results.add("memory of the session", bytes=memory)
    connection.execute("vacuum orchestrator.refresh_queue")
    ((left, _),) = run(connection, "backlog_state")
    ((periods,),) = run(connection, "backlog_periods")
    results.add(
        "drained",
        seconds=took,
        periods=periods,
        temporary_bytes=used - temporary,
        queue_bytes_left=left,
    )


def _refresh(connection: Connection[Any]) -> None:
    connection.execute(
        "call orchestrator.refresh_in_slices('metrics_daily', 'backlog')"
    )
