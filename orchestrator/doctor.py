"""What of a database will and will not do for this project, before anything is built.

Each check is a query of orchestrator/sql/doctor, whose rows are what it finds.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from orchestrator import dbt
from orchestrator.database import DatabaseError, connect, is_installed
from orchestrator.errors import OrchestratorError
from orchestrator.profiles import ConnectionProfile, connection_profile
from orchestrator.project import Project
from orchestrator.queries import query
from orchestrator.words import pluralize

FOLDER = "orchestrator.sql.doctor"
PREFIX = "orchestrator needs "

# Rows from which on a table wants an index for each question that is asked of it.
LARGE = 10_000

# Of a source table, the columns that name a time zone.
ZONES = ("timezone", "time_zone")

SESSION_PORT, TRANSACTION_PORT = 5432, 6543
POOLER = ".pooler.supabase.com"
DIRECT = ("db.", ".supabase.co")


@dataclass(frozen=True)
class Finding:
    """What a check found; `verdict` is ok, warning or problem.

    A build works unless there is a problem. `remedy` is a statement to run, or a
    sentence.
    """

    check: str
    verdict: str
    finding: str
    remedy: str | None = None


def examine(project: Project) -> Iterator[Finding]:
    """Look at the database that the profile names, and yield what is found.

    Writes nothing. Raises DatabaseError where nobody is let in.
    """
    profile = connection_profile(project)
    yield from _connection(profile)
    with _connected(profile) as connection:
        for check in ("server", "role", "settings", "cron"):
            yield from _ask(connection, check)
        try:
            needs = _needs(project)
        except OrchestratorError as error:
            yield Finding("project", "problem", str(error).rstrip("."))
            return
        sources = {"sources": json.dumps(needs["sources"]), "large": LARGE}
        yield from _ask(connection, "sources", sources)
        for source in needs["sources"]:
            yield from _zones(connection, source)
        yield from _ask(connection, "indexes", sources)
        yield from _ask(connection, "tables", {"tables": needs["tables"]})
        if is_installed(connection):
            yield from _ask(connection, "capture", {})
        for calendar, early_rows in needs["calendars"].items():
            yield from _history(connection, calendar, early_rows)
        if needs["publication"]:
            named = {"publication": needs["publication"]}
            yield from _ask(connection, "replication", named)


def _connection(profile: ConnectionProfile) -> Iterator[Finding]:
    """Say how the profile connects, and what is wrong with that."""
    login = profile.credentials
    host, port = login.host, login.port
    if login.autocommit:
        yield Finding(
            "connection",
            "problem",
            "the profile sets autocommit, which undoes the transaction that a "
            "refresh is",
            f"Remove it from {profile.path}.",
        )
    if port == TRANSACTION_PORT:
        yield Finding(
            "connection",
            "problem",
            f"port {port} is a transaction pooler's, which hands each transaction to "
            "another session",
            f"Use the session pooler, port {SESSION_PORT} of the same host, or "
            "connect to the database directly.",
        )
        return
    by = "by Supabase's session pooler" if host.endswith(POOLER) else "directly"
    yield Finding(
        "connection", "ok", f"{login.user} at {host}:{port}, {by} ({profile.target})"
    )


def _connected(profile: ConnectionProfile) -> Connection[Any]:
    """Connect, or say what else is usual where Supabase lets nobody in."""
    login = profile.credentials
    try:
        return connect(profile)
    except DatabaseError as error:
        host = login.host
        if host.endswith(POOLER) and "." not in login.user:
            hint = "to a pooler the user is postgres.<the project's reference>"
        elif host.startswith(DIRECT[0]) and host.endswith(DIRECT[1]):
            hint = "Supabase's direct address needs IPv6, its session pooler does not"
        else:
            raise
        raise DatabaseError(f"{str(error).rstrip('.')}; {hint}.") from error


def _needs(project: Project) -> dict[str, Any]:
    """Return what the project's declarations need of a database."""
    (line,) = [
        line.removeprefix(PREFIX)
        for line in dbt.operate(project, "describe_needs")
        if line.startswith(PREFIX)
    ]
    needs: dict[str, Any] = json.loads(line)
    return needs


def _ask(
    connection: Connection[Any], check: str, values: Mapping[str, object] | None = None
) -> list[Finding]:
    found = connection.execute(query(check, FOLDER), values).fetchall()
    return [Finding(check, *row) for row in found]


def _history(
    connection: Connection[Any], calendar: str, early_rows: str
) -> Iterator[Finding]:
    """Say which rows lie before their tenant's first day, by a calendar.

    `early_rows` is the query that dbt's own test asks. A calendar that is not
    built yet has nothing to say.
    """
    found = connection.execute("select to_regclass(%s)", [calendar]).fetchone()
    if not early_rows or not found or found[0] is None:
        return
    try:
        rows = connection.execute(early_rows.encode()).fetchall()
    except psycopg.errors.UndefinedTable:
        return  # the check of the sources has said so
    for source, number, earliest in rows:
        yield Finding(
            "history",
            "warning",
            f"{pluralize(number, 'row')} of {source}, the earliest of "
            f"{earliest:%Y-%m-%d}, lie before their tenant's first day: tables with a "
            "row for every day do not show them",
            "Correct the date from which a tenant is there: started_at of "
            f"{calendar.replace(chr(34), '')}.",
        )


def _zones(connection: Connection[Any], source: Mapping[str, Any]) -> list[Finding]:
    """Look through a source table for unknown time zones, if it has any."""
    text = query("zones", FOLDER).decode()
    found: list[Finding] = []
    for column in source["columns"]:
        if column not in ZONES:
            continue
        relation = source["schema_name"], source["table_name"]
        statement = SQL(text).format(
            column=Identifier(column), relation=Identifier(*relation)
        )
        named = {"relation": ".".join(relation), "column": column}
        try:
            rows = connection.execute(statement, named).fetchall()
        except (
            psycopg.errors.UndefinedTable,
            psycopg.errors.UndefinedColumn,
            psycopg.errors.InsufficientPrivilege,
        ):
            continue  # the check of the sources has said so
        found += [Finding("zones", *row) for row in rows]
    return found
