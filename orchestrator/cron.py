"""The jobs of pg_cron, which refresh the summary tables without Python.

Which there are, on which schedule, and how pg_cron comes to have them is decided
in the database (the engine's runtime_cron.sql).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from psycopg import Connection
from psycopg.rows import class_row

from orchestrator.database import require_installed
from orchestrator.queries import query


@dataclass(frozen=True)
class WantedJob:
    """A job that pg_cron is to have; `database` is where `statement` makes it."""

    jobname: str
    schedule: str
    command: str
    statement: str
    database: str


@dataclass(frozen=True)
class Change:
    """What was done to a job; `change` is add, change or remove."""

    change: str
    jobname: str
    schedule: str


@dataclass(frozen=True)
class Job:
    """How a job stands; `state` is installed, missing, differs, unwanted or off."""

    jobname: str
    schedule: str
    command: str
    state: str
    last_run: datetime | None
    last_status: str | None
    last_message: str | None
    asked_at: datetime


Row = TypeVar("Row")


def wanted(connection: Connection[Any]) -> list[WantedJob]:
    """Return the jobs that the models name, and ours.

    Raises DatabaseError where nothing is installed, as all here do.
    """
    return _rows(connection, WantedJob, "cron_jobs")


def install(connection: Connection[Any]) -> list[Change]:
    """Make pg_cron have the jobs it is to have; return what that took.

    Raises DatabaseError, and changes nothing, where this database cannot have
    pg_cron or where someone else's job has the name of one.
    """
    return _rows(connection, Change, "change_cron", wanted=True)


def uninstall(connection: Connection[Any]) -> list[Change]:
    """Remove our jobs from pg_cron; return them.

    Raises DatabaseError where this database has no pg_cron.
    """
    return _rows(connection, Change, "change_cron", wanted=False)


def status(connection: Connection[Any]) -> list[Job]:
    """Return how each job stands.

    Raises DatabaseError where this database has no pg_cron.
    """
    require_installed(connection)
    connection.execute(query("require_cron"))
    return _rows(connection, Job, "cron_status")


def _rows(
    connection: Connection[Any], kind: type[Row], name: str, **values: object
) -> list[Row]:
    require_installed(connection)
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query(name), values or None).fetchall()
