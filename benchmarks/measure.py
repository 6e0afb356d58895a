"""Stopwatches, and where their results are kept."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from psycopg import Connection

Action = Callable[[], object]
Record = dict[str, Any]


class Results:
    """The measurements of one part at one size: a JSON file, written at the end."""

    def __init__(self, folder: Path, part: str, size: str) -> None:
        self._path = folder / f"{part}-{size}.json"
        self._facts: Record = {"part": part, "size": size}
        self._records: list[Record] = []

    def add(self, what: str, **figures: object) -> None:
        """Add a record; a figure is a number, or the list of its samples."""
        self._records.append({"what": what, **figures})

    def note(self, **facts: object) -> None:
        """Add what is to be said of the part as a whole."""
        self._facts |= facts

    def save(self, **facts: object) -> None:
        """Write all of it, in the place of what was measured before."""
        kept = {**self._facts, **facts, "records": self._records}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(kept, indent=1) + "\n")


def seconds(action: Action) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def alternately(
    connection: Connection[Any],
    contenders: Mapping[str, Action],
    repetitions: int,
    before_each_round: Action = lambda: None,
) -> dict[str, Record]:
    """Let all do their work in turn, round by round; return seconds and WAL of each.

    The one that begins changes from round to round.
    """
    figures: dict[str, Record] = {
        name: {"seconds": [], "wal_bytes": []} for name in contenders
    }
    order = list(contenders)
    for _ in range(repetitions):
        before_each_round()
        for name in order:
            start = wal_position(connection)
            figures[name]["seconds"].append(seconds(contenders[name]))
            figures[name]["wal_bytes"].append(wal_position(connection) - start)
        order.append(order.pop(0))
    return figures


def wal_position(connection: Connection[Any]) -> int:
    """Return how many bytes of WAL the server has ever written."""
    ((position,),) = connection.execute(
        "select (pg_current_wal_insert_lsn() - '0/0')::bigint"
    ).fetchall()
    return int(position)


def middle(samples: Sequence[float]) -> float:
    """Return the median."""
    return median(samples)


def percentile(samples: Sequence[float], percent: int) -> float:
    """Return what so many percent of the samples do not pass."""
    if len(samples) < 2:
        return samples[0]
    return quantiles(samples, n=100, method="inclusive")[percent - 1]
