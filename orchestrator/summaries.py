"""Summary tables: how they stand, and their refresh by the database itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Any
from uuid import uuid4

from psycopg import Connection
from psycopg.rows import class_row

from orchestrator.database import require_installed
from orchestrator.errors import UsageError
from orchestrator.queries import query
from orchestrator.runs import Run

TROUBLE = 4  # the severity from which on a state is


@dataclass(frozen=True)
class Summary:
    """How a summary table stands; `refreshed_through` is None before its build.

    `state` is fresh, due, paused, late, failing or not built, and `severity` the
    higher the worse that is.
    """

    model: str
    relation: str
    cadence: dict[str, Any]
    upstream: list[str]
    refreshed_through: datetime | None
    last_due: datetime
    next_due: datetime
    is_due: bool
    waiting: int
    waiting_since: datetime | None
    last_status: str | None
    last_run: datetime | None
    last_duration: timedelta | None
    last_periods: int | None
    last_rows_changed: int | None
    last_error: str | None
    incidents: list[str]
    state: str
    is_late: bool
    failures: int
    is_published: bool
    severity: int
    paused_until: datetime | None
    pause_reason: str | None
    asked_at: datetime

    @property
    def is_trouble(self) -> bool:
        """Whether someone has to look at it."""
        return self.severity >= TROUBLE


@dataclass(frozen=True)
class Refresh(Run):
    """A refresh in the database, and which summary tables it asked something of."""

    passed_on_to: tuple[str, ...] = ()


def all_summaries(connection: Connection[Any]) -> list[Summary]:
    """Return how every summary table stands, by name.

    Raises DatabaseError where nothing was ever built.
    """
    require_installed(connection)
    with connection.cursor(row_factory=class_row(Summary)) as cursor:
        return cursor.execute(query("summaries")).fetchall()


def refresh(
    connection: Connection[Any],
    model: str,
    tenant: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Refresh:
    """Refresh a summary table now: what waits, and these local days of a tenant.

    With neither tenant nor days it only serves what waits and is new; what it reads
    is refreshed first. A refresh that fails leaves the request. Raises UsageError for
    a model, tenant or days that do not exist, DatabaseError for a model that was
    never built.
    """
    require(connection, model)
    asked = {"model": model, "tenant": tenant, "first": first, "last": last}
    if any(part is not None for part in (tenant, first, last)):
        connection.execute(query("request"), asked)
    return refresh_in_slices(connection, model)


def refresh_in_slices(
    connection: Connection[Any], model: str, *, waits: bool = False
) -> Refresh:
    """Refresh a summary table, after what it reads, in slices that commit.

    Where another session is refreshing it, that is waited for or its run is skipped.
    """
    asked = {"model": model, "invocation": str(uuid4()), "waits": waits}
    connection.execute(query("refresh_in_slices"), asked)
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        (run,) = cursor.execute(query("runs_of_invocation"), asked)
    passed_on = connection.execute(query("passed_on"), asked).fetchall()
    return Refresh(**vars(run), passed_on_to=tuple(name for (name,) in passed_on))


def require(connection: Connection[Any], model: str) -> None:
    """Raise UsageError for a summary table that does not exist."""
    known = [summary.model for summary in all_summaries(connection)]
    if model not in known:
        raise UsageError(f'There is no summary table "{model}"{suggest(model, known)}')


def suggest(name: str, known: Iterable[str]) -> str:
    """Return how a sentence about an unknown name goes on: the nearest, or all."""
    names = sorted(known)
    if near := get_close_matches(name, names, n=1):
        return f": did you mean {near[0]}?"
    return f": there are {', '.join(names)}." if names else ": there are none."
