"""A connection whose refreshes believe in a clock of the test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from projects import Workplace
from psycopg.sql import SQL, Identifier


class Clock:
    """A database as it is at a moment of the test's choosing.

    Everything happens in one transaction, which is rolled back.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query, nothing for a statement that has none."""
        cursor = self.connection.execute(query, values or None)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *values: object) -> Any:
        """Return the one value of a query."""
        ((value,),) = self.ask(query, *values)
        return value

    def turn_to(self, moment: datetime) -> None:
        """Let it be that moment."""
        self.ask("select set_config('orchestrator.now', %s, true)", str(moment))

    def refresh(self, *models: str) -> int:
        """Refresh these tables in this order; return how many rows it rewrote."""
        rewritten = 0
        for model in models:
            ((status, rows, error),) = self.ask(
                "select status, rows_changed, error_message from analytics.refresh(%s)",
                model,
            )
            assert status == "success", error
            rewritten += rows
        return rewritten

    def rows(self, model: str, *columns: str) -> set[tuple[Any, ...]]:
        """Return a summary table's columns."""
        listed = SQL(", ").join(map(Identifier, columns))
        query = SQL("select {} from {}").format(listed, Identifier("analytics", model))
        return set(self.connection.execute(query).fetchall())


@contextmanager
def clock(place: Workplace) -> Iterator[Clock]:
    """The place's database with a clock; nothing that happens there stays."""
    with psycopg.connect(place.url) as connection:
        yield Clock(connection)
        connection.rollback()
