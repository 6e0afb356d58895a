"""Clients of Supabase's API, as the database sees them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from projects import Workplace
from psycopg.sql import SQL, Identifier

REFUSED = "refused"


class Client:
    """One who sends statements with a role and claims; nothing it does stays."""

    def __init__(self, place: Workplace, role: str, claims: object = None) -> None:
        self.place = place
        self.role = role
        # As a token is: JSON, unless the test gives a text of its own.
        self.claims = claims if isinstance(claims, str) else json.dumps(claims or {})

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection[Any]]:
        """Be connected as the API is: its role and claims are the transaction's."""
        with psycopg.connect(self.place.url) as connection:
            self.appear(connection)
            yield connection
            connection.rollback()

    def appear(self, connection: psycopg.Connection[Any]) -> None:
        """Be this client for the rest of the connection's transaction."""
        connection.execute(
            "select set_config('request.jwt.claims', %s, true)", [self.claims]
        )
        connection.execute(SQL("set local role {}").format(Identifier(self.role)))

    def tries(self, *statements: str) -> list[Any]:
        """What comes of each statement alone: rows, how many, or why it is refused."""
        outcomes: list[Any] = []
        with self.session() as connection:
            for statement in statements:
                try:
                    with connection.transaction(force_rollback=True):
                        cursor = connection.execute(statement)  # type: ignore[call-overload]
                        outcomes.append(
                            cursor.fetchall() if cursor.description else cursor.rowcount
                        )
                except psycopg.errors.InsufficientPrivilege as error:
                    said = error.diag.message_primary or ""
                    outcomes.append(said if "Admin role" in said else REFUSED)
        return outcomes

    def does(self, statement: str) -> Any:
        """What comes of one statement."""
        return self.tries(statement)[0]
