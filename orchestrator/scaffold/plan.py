"""What summaries are made of: whose a table's rows are, when they were, who reads.

What a caller does not choose is proposed from the catalog.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from orchestrator.errors import UsageError
from orchestrator.scaffold.catalog import (
    ACTIVE,
    CREATED,
    GONE,
    KEY_TYPES,
    TIME_TYPES,
    USER,
    ZONE,
    Catalog,
    Column,
    Table,
)
from orchestrator.scaffold.files import parsed, plain, project_name

# The moment of a tenant's first row.
FIRST_ROW = """(
        select min(facts.{time})
        from {{{{ source('{source}', '{fact}') }}}} as facts
        where facts.{tenant} = tenants.{key}
    )"""


# How long a look at the application's rows may take.
PATIENCE = "5s"


@dataclass(frozen=True)
class Choices:
    """What a caller has chosen of a domain; what is None is proposed."""

    domain: str | None = None
    tenants: str | None = None
    timezone: str | None = None
    time: str | None = None
    readers: str | None = None
    members: str | None = None


@dataclass(frozen=True)
class Tenants:
    """The table of those whose rows the others are, as the calendar has it.

    `column` is what models call its key; the others are SQL.
    """

    table: Table
    key: Column
    column: str
    timezone: str
    is_active: str
    started_at: str

    @property
    def type(self) -> str:
        """The type of the key, as summary tables have it."""
        return "text" if self.key.type == "character varying" else self.key.type


@dataclass(frozen=True)
class Members:
    """The table that says who belongs to which tenant."""

    table: Table
    tenant: str
    user: str


@dataclass(frozen=True)
class Plan:
    """A domain's tables, each with when its rows happened; all is chosen."""

    domain: str
    facts: tuple[tuple[Table, Column], ...]
    tenants: Tenants | None
    timezone: str
    readers: str
    members: Members | None
    suffix: str  # of sources' names, where the project has such

    def source(self, schema: str) -> str:
        """Return the name of the source that a schema's tables are in."""
        return schema + self.suffix


def plan(
    folder: Path,
    connection: psycopg.Connection[Any],
    catalog: Catalog,
    names: Sequence[str],
    choices: Choices,
) -> Plan:
    """Choose what summaries of these tables are made of; proposes what is not chosen.

    Raises UsageError for what there is not, or cannot be summarized.
    """
    facts = []
    for name in names:
        table = catalog.table(name)
        time = table.column(choices.time) if choices.time else table.time()
        if time is None or time.type not in TIME_TYPES:
            raise UsageError(
                f"{table.title} has no column that says when its rows happened: name "
                "a date or a timestamp with --time, or summarize another table."
            )
        facts.append((table, time))
    tables = [table for table, _ in facts]
    domain = choices.domain or _domain(folder, tables[0])
    suffix = _suffix(folder, domain, tables)
    tenants = _tenants(catalog, connection, facts, suffix, choices)
    members = None
    if tenants and choices.readers in (None, "members"):
        members = _members(catalog, tenants, choices)
    return Plan(
        domain,
        tuple(facts),
        tenants,
        choices.timezone or "UTC",
        choices.readers or ("members" if members else "admins"),
        members,
        suffix,
    )


def domains(folder: Path) -> list[str]:
    """Return the domains that have a calendar in a project."""
    calendars = folder.glob("models/*/staging/*_calendar.sql")
    return sorted(
        path.parents[1].name
        for path in calendars
        if path.name == f"{path.parents[1].name}_calendar.sql"
    )


def _domain(folder: Path, table: Table) -> str:
    known = domains(folder)
    own = plain(table.schema)
    if own in known or not known:
        return own if own != "public" else project_name(folder)
    if len(known) == 1:
        return known[0]
    raise UsageError(
        f"There are the domains {', '.join(known)}: name one, or a new one, with "
        "--domain."
    )


def _tenants(
    catalog: Catalog,
    connection: psycopg.Connection[Any],
    facts: Sequence[tuple[Table, Column]],
    suffix: str,
    choices: Choices,
) -> Tenants | None:
    tables = [table for table, _ in facts]
    if choices.tenants == "none":
        return None
    if choices.tenants:
        table = catalog.table(choices.tenants)
    elif found := catalog.tenants(tables):
        table = found
    else:
        return None
    if len(table.primary_key) != 1:
        raise UsageError(
            f"{table.title} has no primary key of one column, by which others could "
            "say whose a row is."
        )
    key = table.column(table.primary_key[0])
    if key.type not in KEY_TYPES:
        raise UsageError(
            f"The key of {table.title} is of type {key.type}: a tenant's id must be "
            "uuid, bigint, integer, smallint or text."
        )
    for fact in tables:
        if fact.references(table) is None:
            raise UsageError(
                f"{fact.title} has no column that refers to {table.title}: name "
                "another table of tenants with --tenants, or none."
            )
    return Tenants(
        table,
        key,
        column=tables[0].column(str(tables[0].references(table))).alias,
        timezone=_timezone(table, choices.timezone),
        is_active=_is_active(table),
        started_at=_started_at(connection, table, key, facts, suffix),
    )


def _timezone(tenants: Table, chosen: str | None) -> str:
    found = tenants.first(ZONE, "text", "character varying")
    if chosen is None:
        return found.quoted if found else "'UTC'"
    if chosen in [column.name for column in tenants.columns]:
        return tenants.column(chosen).quoted
    return "'" + chosen.replace("'", "''") + "'"


def _is_active(tenants: Table) -> str:
    if active := tenants.first(ACTIVE, "boolean"):
        return f"coalesce({active.quoted}, true)"
    if gone := tenants.first(GONE, *TIME_TYPES):
        return f"{gone.quoted} is null"
    return "true"


def _started_at(
    connection: psycopg.Connection[Any],
    tenants: Table,
    key: Column,
    facts: Sequence[tuple[Table, Column]],
    suffix: str,
) -> str:
    """Return the first moment of a tenant: its own, if no row is from before it."""
    created = tenants.first(CREATED, *TIME_TYPES)
    if created and not any(
        _is_before(connection, tenants, key, created, fact, time)
        for fact, time in facts
    ):
        return created.instant
    firsts = [
        FIRST_ROW.format(
            time=time.instant,
            source=fact.schema + suffix,
            fact=fact.name,
            tenant=fact.column(str(fact.references(tenants))).quoted,
            key=key.quoted,
        )
        for fact, time in facts
    ]
    if created:
        firsts.insert(0, f"tenants.{created.instant}")
    return firsts[0] if len(firsts) == 1 else f"least({', '.join(firsts)})"


def _is_before(
    connection: psycopg.Connection[Any],
    tenants: Table,
    key: Column,
    created: Column,
    fact: Table,
    time: Column,
) -> bool:
    """Whether a row is from before its tenant; so too if that takes long to see."""
    asked = SQL(
        "select exists (select from {fact} as facts inner join {tenants} as tenants"
        " on facts.{tenant} = tenants.{key}"
        " where facts.{time} < tenants.{created}::date)"
    ).format(
        fact=Identifier(fact.schema, fact.name),
        tenants=Identifier(tenants.schema, tenants.name),
        tenant=Identifier(str(fact.references(tenants))),
        key=Identifier(key.name),
        time=Identifier(time.name),
        created=Identifier(created.name),
    )
    try:
        with connection.transaction():
            connection.execute(
                "select set_config('statement_timeout', %s, true)", [PATIENCE]
            )
            ((found,),) = connection.execute(asked).fetchall()
    except psycopg.errors.QueryCanceled:
        return True
    return bool(found)


def _members(catalog: Catalog, tenants: Tenants, choices: Choices) -> Members | None:
    if choices.members:
        table = catalog.table(choices.members)
    elif found := catalog.members(tenants.table):
        table = found
    elif choices.readers == "members":
        raise UsageError(
            f"No table says who belongs to a row of {tenants.table.title}: name one "
            "with --members."
        )
    else:
        return None
    tenant, user = table.references(tenants.table), table.first(USER, *KEY_TYPES)
    if tenant is None or user is None:
        raise UsageError(
            f"{table.title} does not say who belongs to which row of "
            f"{tenants.table.title}: it needs a column that refers to that, and one "
            "such as user_id."
        )
    return Members(table, tenant, user.name)


def _suffix(folder: Path, domain: str, tables: Sequence[Table]) -> str:
    """Return what sources' names end with: others' of a table are not ours to change.

    A source is named after its schema, unless another file of the project has that.
    """
    schemas = {table.schema for table in tables}
    for path in folder.glob("models/**/*.y*ml"):
        if path.is_relative_to(folder / "models" / domain):
            continue
        for source in parsed(path.read_text()).get("sources") or ():
            if source.get("name") in schemas:
                return "_kpi"
    return ""
