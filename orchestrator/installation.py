"""What this project makes in a database beside the tables: its coming and going."""

import json
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from orchestrator import dbt
from orchestrator.database import is_installed
from orchestrator.project import Project
from orchestrator.queries import query

PREFIX = "orchestrator installed "


@dataclass(frozen=True)
class Step:
    """A hook of the dbt project that had something to install, and its SQL."""

    hook: str
    sql: str


@dataclass(frozen=True)
class Released:
    """A trigger or a foreign key that no longer holds a source table."""

    kind: str
    name: str
    of_table: str


@dataclass(frozen=True)
class Removal:
    """What an uninstallation removed, or kept, of one kind."""

    kind: str
    kept: bool
    names: list[str]


def install(project: Project, *, dry_run: bool = False) -> list[Step]:
    """Do what a build does before its first model, for all models; return what.

    With `dry_run` nothing stays of it. Raises DbtError where something is missing
    or is declared wrongly.
    """
    lines = dbt.operate(project, "install", dry_run=dry_run)
    return [
        Step(**json.loads(line.removeprefix(PREFIX)))
        for line in lines
        if line.startswith(PREFIX)
    ]


def release(connection: Connection[Any], table: str) -> list[Released]:
    """Let go of a source table, `schema.table`, until the next `install`.

    It is an error of usage where no summary table reads such a one.
    """
    with (
        connection.transaction(),
        connection.cursor(row_factory=class_row(Released)) as cursor,
    ):
        return cursor.execute(query("release"), {"table": table}).fetchall()


def tables(connection: Connection[Any]) -> list[str]:
    """Return the published summary tables that are here, by name."""
    if not is_installed(connection):
        return []
    found = connection.execute(query("published_tables")).fetchall()
    return [name for (name,) in found]


def uninstall(
    connection: Connection[Any], *, drop_tables: bool = False
) -> list[Removal]:
    """Remove what was installed and built; the published tables only if asked to.

    Raises DatabaseError, and removes nothing, where someone else's object needs
    something of it.
    """
    with connection.transaction():
        connection.execute(query("uninstall"))
        with connection.cursor(row_factory=class_row(Removal)) as cursor:
            values = {"drop_tables": drop_tables}
            return cursor.execute(query("removals"), values).fetchall()
