"""The application's tables, and what their summaries would be made of.

What cannot be known is proposed: from foreign keys, types and the usual names.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from orchestrator.errors import UsageError
from orchestrator.queries import query
from orchestrator.summaries import suggest

KEY_TYPES = ("uuid", "bigint", "integer", "smallint", "text", "character varying")
TIME_TYPES = (
    "timestamp with time zone",
    "timestamp without time zone",
    "date",
)
NUMBERS = {
    "numeric": "numeric",
    "bigint": "bigint",
    "integer": "bigint",
    "smallint": "bigint",
    "double precision": "numeric",
    "real": "numeric",
}

# Columns of time that say when a row was last touched, not what it is about.
NOT_WHEN = re.compile(
    r"^(updated|modified|changed|deleted|archived|expire|expires|cancel|last_|synced)"
)
CREATED = re.compile(r"^(created|inserted|added|joined|opened|registered)_?(at|on)?$")
ZONE = re.compile(r"^(tz|time_?zone|tz_?name|iana_.*)$")
ACTIVE = re.compile(r"^(is_)?(active|enabled)$")
GONE = re.compile(r"^(deleted|archived|closed|deactivated)_(at|on)$")
TENANTS = re.compile(
    r"^(tenant|account|organi[sz]ation|org|workspace|team|compan(y|ie)|shop|store|"
    r"client|communit(y|ie)|business|merchant|site|school|clinic|project)(e?s)?$"
)
MEMBERSHIP = re.compile(r"member|staff|user|owner|role|team|admin|employee")
USER = re.compile(r"^(user|member|profile|owner|employee|person|staff)_?(id|uuid)?$")
AMOUNT = re.compile(
    r"amount|total|price|revenue|cost|value|quantity|qty|fee|tax|tip|cents|points|"
    r"score|minutes|seconds|duration|hours|distance|weight|units"
)


@dataclass(frozen=True)
class Column:
    """A column of a table; `scale` is a numeric's digits after the point."""

    name: str
    type: str
    is_required: bool
    scale: int | None

    @property
    def alias(self) -> str:
        """Its name as models have it: in small letters, with underscores."""
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name)
        plain = re.sub(r"[^a-z0-9_]+", "_", spaced.lower()).strip("_")
        return plain if re.match("[a-z_]", plain) else f"_{plain}"

    @property
    def quoted(self) -> str:
        """Its name as SQL has it."""
        if re.fullmatch("[a-z_][a-z0-9_]*", self.name):
            return self.name
        return '"' + self.name.replace('"', '""') + '"'

    @property
    def exact(self) -> str:
        """What makes it a number whose sum does not depend on the rows' order."""
        return "::numeric" if self.type in ("double precision", "real") else ""

    @property
    def instant(self) -> str:
        """The instant that it holds; one without a zone, as of UTC."""
        if self.type == "timestamp with time zone":
            return self.quoted
        if self.type == "date":
            return f"{self.quoted}::timestamp at time zone 'UTC'"
        return f"{self.quoted} at time zone 'UTC'"


@dataclass(frozen=True)
class Table:
    """A table of the application's."""

    schema: str
    name: str
    row_estimate: int
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[dict[str, str], ...]

    @property
    def title(self) -> str:
        """Its name, for people and options."""
        return f"{self.schema}.{self.name}"

    @property
    def alias(self) -> str:
        """Its name as models have it."""
        return Column(self.name, "", is_required=False, scale=None).alias

    def column(self, name: str) -> Column:
        """Return a column by its name; raises UsageError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        names = [column.name for column in self.columns]
        raise UsageError(
            f"{self.title} has no column {name}{suggest(name, names)}".rstrip(".") + "."
        )

    def references(self, other: "Table") -> str | None:
        """Return the column that refers to another table, if one does."""
        for key in self.foreign_keys:
            if (key["schema"], key["table"]) == (other.schema, other.name):
                return key["column"]
        singular = re.sub("(ie)?s$", lambda end: "y" if end[1] else "", other.alias)
        for column in self.columns:
            if column.alias == f"{singular}_id":
                return column.name
        return None

    def first(self, pattern: re.Pattern[str], *types: str) -> Column | None:
        """Return the first column of such a name, of one of these types."""
        for column in self.columns:
            if pattern.search(column.alias) and (not types or column.type in types):
                return column
        return None

    def time(self) -> Column | None:
        """Return the column that most likely says when a row happened."""
        columns = [column for column in self.columns if column.type in TIME_TYPES]
        return min(
            columns,
            key=lambda column: (
                bool(NOT_WHEN.search(column.alias)),
                not column.is_required,
                bool(re.search("^(created|inserted)", column.alias)),
                TIME_TYPES.index(column.type),
            ),
            default=None,
        )

    def amounts(self) -> list[Column]:
        """Return the columns that most likely add up to something, three at most."""
        keys = {*self.primary_key, *(key["column"] for key in self.foreign_keys)}
        return [
            column
            for column in self.columns
            if column.type in NUMBERS
            and column.name not in keys
            and AMOUNT.search(column.alias)
            and not column.alias.endswith("_id")
        ][:3]


@dataclass(frozen=True)
class Catalog:
    """All tables of the application's that the role may see."""

    tables: tuple[Table, ...]

    @classmethod
    def of(cls, connection: psycopg.Connection[Any]) -> "Catalog":
        """Read it from a database."""
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(query("catalog")).fetchall()
        return cls(
            tuple(
                Table(
                    **{
                        **row,
                        "columns": tuple(
                            Column(**column) for column in row["columns"] or ()
                        ),
                        "primary_key": tuple(row["primary_key"]),
                        "foreign_keys": tuple(row["foreign_keys"]),
                    }
                )
                for row in rows
            )
        )

    def table(self, name: str) -> Table:
        """Return a table by its name, with its schema where two have the same.

        Raises UsageError where there is none, or more than one.
        """
        found = [table for table in self.tables if name in (table.title, table.name)]
        if len(found) == 1:
            return found[0]
        if found:
            titles = " and ".join(table.title for table in found)
            raise UsageError(f"There are {titles}: name one with its schema.")
        names = [table.title for table in self.tables]
        raise UsageError(f'There is no table "{name}"{suggest(name, names)}')

    def facts(self) -> list[Table]:
        """Return the tables whose rows happened at a time, the largest first."""
        found = [
            table
            for table in self.tables
            if table.time() is not None and not MEMBERSHIP.search(table.alias)
        ]
        referenced = self._referenced()
        return sorted(
            found, key=lambda table: (referenced[table.title], -table.row_estimate)
        )

    def tenants(self, facts: Sequence[Table]) -> Table | None:
        """Return the table that most likely says whose the rows of others are."""
        referenced = self._referenced()
        candidates = [
            table
            for table in self.tables
            if table not in facts
            and len(table.primary_key) == 1
            and table.column(table.primary_key[0]).type in KEY_TYPES
            and all(fact.references(table) for fact in facts)
        ]
        return max(
            candidates,
            key=lambda table: (
                bool(TENANTS.search(table.alias)),
                table.first(ZONE) is not None,
                referenced[table.title],
            ),
            default=None,
        )

    def members(self, tenants: Table) -> Table | None:
        """Return the table that most likely says who belongs to which tenant."""
        found = [
            table
            for table in self.tables
            if table is not tenants
            and table.references(tenants)
            and table.first(USER, *KEY_TYPES)
            and MEMBERSHIP.search(table.alias)
        ]
        return min(found, key=lambda table: len(table.columns), default=None)

    def _referenced(self) -> Counter[str]:
        return Counter(
            f"{key['schema']}.{key['table']}"
            for table in self.tables
            for key in table.foreign_keys
        )
