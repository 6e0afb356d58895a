"""The named queries, each in a file, and the schemas that they are written for."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import TupleRow


@cache
def query(name: str, folder: str = "orchestrator.sql") -> bytes:
    """Return the text of `name`.sql of a folder of this package."""
    package, _, below = folder.partition(".")
    path = files(package).joinpath(*below.split("."), f"{name}.sql")
    return path.read_bytes()


@dataclass(frozen=True)
class Schemas:
    """Where a target has its runtime and its published tables."""

    runtime: str = "orchestrator"
    published: str = "analytics"

    def rename(self, statement: bytes) -> bytes:
        """Return a named query with these schemas, as the macro in_schemas does."""
        if self == Schemas():
            return statement
        text = statement.decode()
        for name, schema in (
            ("orchestrator", self.runtime),
            ("analytics", self.published),
        ):
            begins = rf"\b{name}(?=\.[\w\"%{{]|_capture_|_look\b)"
            alone = rf"(?<='){name}(?=')|(?<=schema |exists ){name}\b"
            text = re.sub(f"{begins}|{alone}", schema, text)
        return text.encode()


class Connection(psycopg.Connection[TupleRow]):
    """A connection on which the named queries mean the schemas of its target."""

    schemas = Schemas()

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **options)
        self.cursor_factory = Cursor


class Cursor(psycopg.Cursor[Any]):
    """What a Connection gives to execute queries with."""

    def execute(self, query: Any, *arguments: Any, **options: Any) -> "Cursor":  # noqa: ANN401
        """Execute a query; a named one, which is bytes, in the target's schemas."""
        if isinstance(query, bytes) and isinstance(self.connection, Connection):
            query = self.connection.schemas.rename(query)
        super().execute(query, *arguments, **options)
        return self
