"""The overview: how all summary tables stand at one moment, for those who watch.

The command line, the status page and the metrics all show this one, so that they
say the same.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from orchestrator.queries import query
from orchestrator.summaries import Summary, all_summaries
from orchestrator.words import pluralize

# The states of a summary table, the most urgent first.
STATES = ("failing", "not built", "late", "paused", "due", "fresh")


@dataclass(frozen=True)
class Incident:
    """Something that is wrong for longer than once; `kind` is failing, stale, drift."""

    model: str
    kind: str
    message: str
    opened_at: datetime


@dataclass(frozen=True)
class PastRun:
    """A run of a job, by any executor."""

    job: str
    executor: str
    reason: str | None
    started_at: datetime
    duration: timedelta | None
    status: str
    periods: int | None
    rows_changed: int | None
    error_message: str | None


@dataclass(frozen=True)
class Verdict:
    """Whether everything is fine, in words; `level` is fine, due or wrong.

    `advice` is what to do next, each a sentence that may end in a command.
    """

    level: str
    sentence: str
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overview:
    """How everything stands."""

    database: str
    asked_at: datetime
    summaries: list[Summary]
    incidents: list[Incident]
    last_runs: list[PastRun]
    runs_of_last_hour: list[tuple[str, str, int]]
    undelivered_notices: int

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(summary.waiting for summary in self.summaries)

    @property
    def waiting_since(self) -> datetime | None:
        """Since when the oldest request waits."""
        times = [s.waiting_since for s in self.summaries if s.waiting_since]
        return min(times, default=None)

    @property
    def by_urgency(self) -> list[Summary]:
        """The summary tables, those first that someone should look at."""
        return sorted(self.summaries, key=lambda summary: -summary.severity)

    @property
    def published(self) -> list[Summary]:
        """The summary tables that clients may be given to read.

        All of them where a target, for development, publishes none.
        """
        return [s for s in self.summaries if s.is_published] or self.summaries

    @property
    def inner(self) -> list[Summary]:
        """The tables that are steps to others, and internal."""
        published = {summary.model for summary in self.published}
        return [s for s in self.summaries if s.model not in published]

    @property
    def failures(self) -> list[Summary]:
        """The summary tables whose last run failed, where no incident tells of it."""
        named = {
            incident.model
            for incident in self.incidents
            if incident.kind in ("failing", "quarantine")
        }
        return [
            summary
            for summary in self.summaries
            if summary.last_status == "error" and summary.model not in named
        ]

    @property
    def verdict(self) -> Verdict:
        """Whether everything is fine, and what to do where it is not."""
        return _verdict(self.summaries, self.incidents)


@dataclass(frozen=True)
class Point:
    """A value of a chart; None where the table has no row of the period."""

    starts_at: datetime
    value: Decimal | None
    is_under_way: bool


@dataclass(frozen=True)
class Chart:
    """What a summary table says over its last periods, of all its tenants."""

    model: str
    title: str
    unit: str | None
    grain: str
    points: tuple[Point, ...]

    @property
    def latest(self) -> Point | None:
        """The newest period that is over and has a value."""
        over = [p for p in self.points if p.value is not None and not p.is_under_way]
        return over[-1] if over else None


def look(connection: Connection[Any]) -> Overview:
    """Return how everything stands.

    Raises DatabaseError where nothing was ever built.
    """
    summaries = all_summaries(connection)
    with connection.cursor(row_factory=class_row(Incident)) as cursor:
        incidents = cursor.execute(query("open_incidents")).fetchall()
    counts = connection.execute(query("runs_of_last_hour")).fetchall()
    ((undelivered,),) = connection.execute(query("undelivered_notices")).fetchall()
    ((now,),) = connection.execute("select clock_timestamp()").fetchall()
    return Overview(
        database=connection.info.dbname,
        asked_at=now,
        summaries=summaries,
        incidents=incidents,
        last_runs=last_runs(connection),
        runs_of_last_hour=[(model, status, runs) for model, status, runs in counts],
        undelivered_notices=undelivered,
    )


def last_runs(
    connection: Connection[Any],
    job: str | None = None,
    status: str | None = None,
    number: int = 20,
) -> list[PastRun]:
    """Return the newest runs, of one job and with one status where they are named."""
    asked = {"job": job, "status": status, "number": number}
    with connection.cursor(row_factory=class_row(PastRun)) as cursor:
        return cursor.execute(query("last_runs"), asked).fetchall()


def charts(
    connection: Connection[Any], model: str | None = None, tenant: str | None = None
) -> list[Chart]:
    """Return the charts that the summary tables declare and have rows for.

    Of all tables and of all tenants together, unless one is named.
    """
    asked = {"model": model, "tenant": tenant}
    rows = connection.execute(query("chart_points"), asked)
    return [
        Chart(model, title, unit, grain, tuple(Point(*row[5:]) for row in points))
        for (model, _, title, unit, grain), points in groupby(rows, lambda row: row[:5])
    ]


def _verdict(summaries: Sequence[Summary], incidents: Sequence[Incident]) -> Verdict:
    states = Counter(summary.state for summary in summaries)
    number = pluralize(len(summaries), "summary", "summaries")
    found = [f"{states[state]} {state}" for state in STATES[:-1] if states[state]]
    parts = [f"{', '.join(found)} of {number}"] if found else []
    if incidents:
        parts.append(pluralize(len(incidents), "open incident"))
    if not parts:
        return Verdict("fine", f"Everything is fine: {number} fresh.")
    advice = tuple(_advice(states, incidents))
    if incidents or any(summary.is_trouble for summary in summaries):
        return Verdict("wrong", f"Something is wrong: {'; '.join(parts)}.", advice)
    return Verdict("due", f"Nothing is wrong: {'; '.join(parts)}.", advice)


def _advice(states: Counter[str], incidents: Iterable[Incident]) -> Iterable[str]:
    if states["not built"]:
        yield "To build what is not built: orchestrator run"
    if states["paused"]:
        yield "To end pauses: orchestrator resume --all"
    if states["failing"] or states["late"] or states["due"]:
        yield "To refresh what is due: orchestrator run --due"
    if states["late"]:
        yield "Late has missed a period: is orchestrator worker running, or pg_cron?"
    for model in sorted({i.model for i in incidents if i.kind == "drift"}):
        yield f"To fix what has drifted: orchestrator audit {model} --all --repair"
