"""The demo's source tables, what is in them, and what happens to them next."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from typing import Any

from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow, tuple_row

from orchestrator.errors import OrchestratorError, UsageError

ALL = ("community", "rental", "restaurant", "learning", "plant")

# Called after each statement: the table it wrote to, and how many rows.
Progress = Callable[[str, int], None]

_FILES = resources.files("kpi_demo")
_WRITTEN_TABLE = re.compile(r"^ *(?:insert into|update|delete from) (\w+\.\w+)", re.M)


class SourceDataError(OrchestratorError):
    """The demo's data cannot be made here."""


@dataclass(frozen=True)
class Change:
    """One thing that happened to the source data.

    `tenant` is the id of the tenant, in `plant` of the asset, and None where the
    domain has no tenants; `period` is the local day, None where it is every day.
    """

    source_table: str
    what: str
    tenant: str | None
    period: date | None

    @property
    def domain(self) -> str:
        """The business whose table it is."""
        return self.source_table.split(".")[0]


def create_sources(connection: Connection[Any], domains: Iterable[str] = ALL) -> None:
    """Create the domains' source tables, where they do not exist."""
    wanted = _known(domains)
    with _transaction(connection) as cursor:
        cursor.execute(_read("sources/types.sql"))
        for domain in wanted:
            cursor.execute(_read(f"sources/{domain}.sql"))


def generate(
    connection: Connection[Any],
    *,
    scale: float,
    seed: int,
    until: datetime,
    domains: Iterable[str] = ALL,
    on_progress: Progress | None = None,
) -> dict[str, int]:
    """Fill the domains' empty source tables, and return the rows of each.

    The history ends at `until`. The same scale, seed and `until` make the same
    rows. Each domain is one transaction, statistics included.
    """
    if scale <= 0:
        raise UsageError(f"The scale must be above 0, not {scale}: try 1.")
    if until.tzinfo is None:
        raise UsageError(f"The end of the history needs a time zone: {until}.")
    rows: dict[str, int] = {}
    for domain in _known(domains):
        with _transaction(connection) as cursor:
            cursor.execute(
                """
                select
                    set_config('demo.scale', %s, true),
                    set_config('demo.seed', %s, true),
                    set_config('demo.until', %s, true)
                """,
                [str(scale), str(seed), until.isoformat()],
            )
            cursor.execute(_read("data/prelude.sql"))
            tables = _empty_tables(cursor, domain)
            rows |= dict.fromkeys(tables, 0)
            cursor.execute("select pg_temp.set_aside(%s)", [domain])
            put_back = [statement for (statement,) in cursor]
            for table, statement in _statements(f"data/{domain}.sql"):
                cursor.execute(statement)
                if table:
                    rows[table] += cursor.rowcount
                    if on_progress:
                        on_progress(table, cursor.rowcount)
            for statement in reversed(put_back):
                cursor.execute(statement.encode())
            for table in tables:
                cursor.execute(sql.SQL("analyze {}").format(_identifier(table)))
    return rows


def apply_changes(
    connection: Connection[Any], domains: Iterable[str] = ALL
) -> list[Change]:
    """Let late rows, corrections, deletions and moves happen, and tell of them.

    Which rows they happen to depends on the data alone. A change that finds no
    row to happen to does not happen.
    """
    wanted = _known(domains)
    changes: list[Change] = []
    with _transaction(connection) as cursor:
        for table, statement in _statements("changes.sql"):
            if table and table.split(".")[0] in wanted:
                cursor.execute(statement)
                changes += [Change(*row) for row in cursor]
    return changes


def _known(domains: Iterable[str]) -> list[str]:
    wanted = list(domains)
    for domain in wanted:
        if domain not in ALL:
            raise UsageError(
                f"There is no domain {domain!r}: choose from {', '.join(ALL)}."
            )
    return wanted


def _read(path: str) -> bytes:
    return _FILES.joinpath(path).read_bytes()


def _statements(path: str) -> Iterator[tuple[str | None, bytes]]:
    """Yield each statement with the table that it writes to first, if any."""
    for statement in _read(path).decode().split(";\n\n"):
        table = _WRITTEN_TABLE.search(statement)
        yield table and table[1], statement.encode()


@contextmanager
def _transaction(connection: Connection[Any]) -> Iterator[Cursor[TupleRow]]:
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        yield cursor


def _identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def _empty_tables(cursor: Cursor[TupleRow], domain: str) -> list[str]:
    cursor.execute(
        """
        select schemaname || '.' || tablename
        from pg_tables
        where schemaname = %s
        order by tablename
        """,
        [domain],
    )
    tables: list[str] = [table for (table,) in cursor]
    if not tables:
        raise SourceDataError(
            f"The schema {domain} has no tables: call create_sources() first."
        )
    for table in tables:
        cursor.execute(sql.SQL("select from {} limit 1").format(_identifier(table)))
        if cursor.fetchone() is not None:
            raise SourceDataError(
                f"{table} has rows, and the demo's data would mix with them:"
                f" use an empty database, or drop the schema {domain}."
            )
    return tables
