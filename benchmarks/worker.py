"""A worker at work: how soon it serves a change, and what it costs when idle.

The project declares an order's change to be served at once, and the table's cadence
to be a minute.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psutil
from psycopg import Connection

from benchmarks.measure import Results, seconds
from benchmarks.site import BenchmarkError, Site, run
from orchestrator import refresh_runs

CHANGES = 6  # at once, a repetition
LOOKS = 50  # at what is due, a repetition
IDLE = 10.0  # seconds
SETTLED = 5.0  # seconds of each minute
PATIENCE = 120.0  # seconds, for what will come or never


def measure(site: Site, results: Results, repetitions: int) -> None:
    """Measure a worker that idles, and one whose orders change."""
    choice = random.Random(1)
    with (
        site.connect() as connection,
        _working(site, connection, results) as worker,
    ):
        looks = [
            seconds(lambda: refresh_runs.claim_due(connection))
            for _ in range(LOOKS * repetitions)
        ]
        results.add("look", seconds=looks)
        results.add("idle", share_of_a_core=_cpu_share(worker))
        delays = []
        for _ in range(CHANGES * repetitions):
            time.sleep(choice.random())
            delays.append(until_visible(connection, "change_order", site))
        results.add("at once", seconds=delays)


def measure_cadence(site: Site, results: Results, repetitions: int) -> None:
    """Measure how long after its moment a change is there that waits for it."""
    with site.connect() as connection, _working(site, connection, results):
        waits, lateness = [], []
        for _ in range(repetitions):
            waits.append(until_visible(connection, "change_call", site))
            now = datetime.now()
            lateness.append(now.second + now.microsecond / 1e6)
        results.add("on cadence", seconds=waits, after_its_moment=lateness)


@contextmanager
def _working(
    site: Site, connection: Connection[Any], results: Results
) -> Iterator[subprocess.Popen[str]]:
    """A worker that has been through the project once; its peak memory at the end."""
    ((last,),) = run(connection, "last_run")
    worker = site.process("orchestrator.cli", "worker")
    try:
        _wait(connection, "has_run_since", last=last)
        yield worker
    finally:
        worker.terminate()
        _, status, used = os.wait4(worker.pid, 0)
        worker.returncode = os.waitstatus_to_exitcode(status)
        # In kilobytes, but for macOS.
        unit = 1 if sys.platform == "darwin" else 1024
        results.add("peak memory", bytes=used.ru_maxrss * unit)


def until_visible(connection: Connection[Any], change: str, site: Site) -> float:
    """Change a row, and return how long after the commit the summary shows it."""
    ((account, location, date, before),) = run(
        connection, change, rows=site.calls // 10
    )
    began = time.monotonic()
    _wait(
        connection,
        "is_visible",
        account=account,
        location=location,
        date=date,
        before=before,
    )
    return time.monotonic() - began


def _wait(connection: Connection[Any], name: str, **values: object) -> None:
    """Wait until a query answers true."""
    deadline = time.monotonic() + PATIENCE
    while run(connection, name, **values) != [(True,)]:
        if time.monotonic() > deadline:
            raise BenchmarkError(f"It has never come true: {name}.sql of {values}.")
        time.sleep(0.01)


def _cpu_share(worker: subprocess.Popen[str]) -> float:
    """Return how much of a core a worker uses that has nothing to do."""
    process = psutil.Process(worker.pid)
    # Not while it does what each minute brings.
    second = time.time() % 60
    if second > 60 - IDLE or second < SETTLED:
        time.sleep((SETTLED - second) % 60)
    before = process.cpu_times()
    time.sleep(IDLE)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return float(used / IDLE)
