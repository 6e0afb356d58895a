"""Pauses: summary tables that are left as they are for a while, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from orchestrator.database import require_installed
from orchestrator.errors import UsageError
from orchestrator.queries import query
from orchestrator.summaries import require


@dataclass(frozen=True)
class Pause:
    """A pause that is in force; `model` is * where every summary table is paused."""

    model: str
    until: datetime
    reason: str
    paused_at: datetime
    paused_by: str


def pause(
    connection: Connection[Any],
    models: Sequence[str],
    reason: str,
    *,
    until: datetime | None = None,
    length: str | None = None,
) -> list[Pause]:
    """Pause summary tables, or all without names, until a moment or for a length.

    Returns the pauses in force. Raises UsageError for models, an end or a reason that
    make no sense, DatabaseError where nothing was ever built.
    """
    require_installed(connection)
    if (until is None) == (length is None):
        raise UsageError("Say when the pause ends: --for '2 hours', or --until.")
    for model in models:
        require(connection, model)
    with connection.transaction():
        for asked in models or (None,):
            connection.execute(
                query("pause"),
                {"model": asked, "until": until, "length": length, "reason": reason},
            )
    return in_force(connection)


def resume(connection: Connection[Any], models: Sequence[str]) -> list[Pause]:
    """End the pauses of summary tables, or all without names; return what is left."""
    require_installed(connection)
    for model in models:
        require(connection, model)
    with connection.transaction():
        for asked in models or (None,):
            connection.execute(query("resume"), {"model": asked})
    return in_force(connection)


def in_force(connection: Connection[Any]) -> list[Pause]:
    """Return the pauses in force, those that end first at the top."""
    with connection.cursor(row_factory=class_row(Pause)) as cursor:
        return cursor.execute(query("pauses")).fetchall()
