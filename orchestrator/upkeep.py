"""Upkeep: backfills, rebuilds and audits, all done by the database itself."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row, namedtuple_row

from orchestrator.database import DatabaseError
from orchestrator.queries import query
from orchestrator.summaries import Refresh, all_summaries, refresh_in_slices, require

# A slice of a backfill is to take about this long: short enough to lose little
# when it is interrupted, long enough to cost little more than one piece.
SLICE = timedelta(seconds=1)


@dataclass(frozen=True)
class Slice:
    """A part of a backfill that is done: `days` of `model`, and what is left."""

    model: str
    days: int
    days_left: int
    rows_changed: int


@dataclass(frozen=True)
class Audit:
    """How a summary table compares with its sources; `message` is of a drift."""

    model: str
    periods: int
    rows_different: int
    message: str | None
    repaired: bool


def backfill(
    connection: Connection[Any],
    model: str,
    first: date,
    last: date,
    tenant: str | None = None,
) -> Iterator[Slice]:
    """Compute local days of a summary table and of those that read it, in slices.

    Each slice is a transaction, and what was interrupted goes on where it was. The
    first of all says what is left to do, with no days done. Dependents that have
    other tenants compute the days of all of theirs. Raises UsageError for a model,
    tenant or days that do not exist.
    """
    require(connection, model)
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        readers: list[Any] = cursor.execute(
            query("dependents"), {"model": model}
        ).fetchall()
        asked = [
            {
                "model": reader.model,
                "tenant": tenant if reader.has_same_tenants else None,
                "first": first,
                "last": last,
            }
            for reader in readers
        ]
        begun: list[Any] = [
            cursor.execute(query("begin_backfill"), each).fetchone() for each in asked
        ]
        left = sum((each.last_day - each.next_day).days + 1 for each in begun)
        yield Slice(model, 0, left, 0)
        for reader, each in zip(readers, begun, strict=True):
            days, next_day = 7, each.next_day
            while next_day <= each.last_day:
                began = time.monotonic()
                slice_ = {"backfill": each.id, "days": days}
                cursor.execute(query("backfill_slice"), slice_)
                done: Any = cursor.fetchone()
                if done is None:  # someone else has finished it
                    break
                taken = timedelta(seconds=time.monotonic() - began)
                days = max(1, min(days * 4, int(days * (SLICE / taken))))
                finished = (done.next_day - next_day).days
                next_day = done.next_day
                left -= finished
                yield Slice(reader.model, finished, left, done.rows_changed)


def rebuild(connection: Connection[Any], model: str) -> Refresh:
    """Compute every period of a summary table again, in place, in slices that commit.

    Raises UsageError for a model that does not exist, DatabaseError where it failed.
    """
    require(connection, model)
    asked = {"model": model, "tenant": None, "first": None, "last": None}
    connection.execute(query("request"), asked)
    done = refresh_in_slices(connection, model, waits=True)
    if done.failed:
        raise DatabaseError(done.failure)
    return done


def audit(
    connection: Connection[Any],
    models: Sequence[str] = (),
    sample: int | None = None,
    repair: bool = False,
) -> Iterator[Audit]:
    """Compare summary tables, or all, with their sources, one after the other.

    Compares `sample` random periods of each, or (None) all. Raises UsageError for
    a model that does not exist.
    """
    for model in models:
        require(connection, model)
    names = models or [
        summary.model
        for summary in all_summaries(connection)
        if summary.refreshed_through is not None
    ]
    for model in names:
        asked = {"model": model, "sample": sample, "repair": repair}
        with connection.cursor(row_factory=dict_row) as cursor:
            (found,) = cursor.execute(query("audit"), asked)
        repaired = repair and found["rows_different"] > 0
        yield Audit(model, **found, repaired=repaired)
