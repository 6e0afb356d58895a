"""Who may read the summary tables: what the database has, against what is declared.

What differs, the database's own functions say, which a build goes by, too. Here it
is repaired, or tried: the tables are read as each kind of client.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.sql import SQL, Composable, Composed, Identifier

from orchestrator import dbt
from orchestrator.database import DatabaseError, require_installed
from orchestrator.project import Project
from orchestrator.queries import query

# How many members of tenants are tried on each table.
SAMPLE = 5

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Finding:
    """Something that is not as declared; `repair` is None where people must."""

    relation: str
    problem: str
    repair: str | None = None


@dataclass(frozen=True)
class Table:
    """A published summary table, and who is to read it."""

    model: str
    schema: str
    name: str
    readers: str
    tenant: str | None
    members: dict[str, Any] | None

    @property
    def relation(self) -> Composable:
        """Its name, quoted."""
        return Identifier(self.schema, self.name)

    @property
    def title(self) -> str:
        """Its name, for people."""
        return f"{self.schema}.{self.name}"


def check(
    project: Project, connection: Connection[Any], tell: Tell = str
) -> list[Finding]:
    """Return what differs from the project's declarations, in words or when tried.

    Writes nothing but the declarations themselves. Raises DatabaseError where
    nothing was ever built, DbtError for declarations that make no sense.
    """
    require_installed(connection)
    if not connection.execute(query("access_is_known")).fetchall()[0][0]:
        raise DatabaseError(
            f'The database "{connection.info.dbname}" was built by an earlier version, '
            "which knew no access: run 'orchestrator access apply'."
        )
    tell("what the models declare")
    dbt.operate(project, "check_access")
    tell("what the database has")
    return _differences(connection) + list(_tried(connection, tell))


def apply(project: Project, connection: Connection[Any]) -> list[Finding]:
    """Make the database what the project declares; return what was repaired.

    All of it or nothing. What only an administrator can repair is left: see `check`.
    """
    require_installed(connection)
    dbt.operate(project, "apply_access")
    repaired: list[Finding] = []
    with connection.transaction():
        # A function that is made again is everybody's until the second round.
        for _ in range(2):
            found = [found for found in _differences(connection) if found.repair]
            for finding in found:
                connection.execute(finding.repair or "")
            repaired += found
    return repaired


def let_monitor(connection: Connection[Any], role: str) -> None:
    """Let a role see how the summary tables stand; raises UsageError for none."""
    require_installed(connection)
    connection.execute(query("grant_monitoring"), {"role": role})


def _differences(connection: Connection[Any]) -> list[Finding]:
    with connection.cursor(row_factory=class_row(Finding)) as cursor:
        return cursor.execute(query("access_differences")).fetchall()


def _tried(connection: Connection[Any], tell: Tell) -> Iterator[Finding]:
    """Read every table as each kind of client, all at one moment."""
    with connection.cursor(row_factory=class_row(Table)) as cursor:
        tables = cursor.execute(query("access_tables")).fetchall()
    with connection.transaction(force_rollback=True):
        connection.execute("set transaction isolation level repeatable read")
        if problem := _cannot_try(connection):
            yield problem
            return
        for table in tables:
            tell(table.name)
            yield from _try_everybody(connection, table)
            if table.tenant and table.members:
                yield from _try_members(connection, table)
                yield from _try_index(connection, table)
        tell("what a caller's own types can reach")
        yield from _try_types(connection)


def _cannot_try(connection: Connection[Any]) -> Finding | None:
    for role in ("anon", "authenticated"):
        try:
            with _client(connection, role):
                pass
        except psycopg.errors.InsufficientPrivilege:
            user = connection.info.user
            return Finding(
                role,
                f"Role {user} may not act as {role}, so nothing was tried: have an "
                f"administrator run: grant {role} to {user}",
            )
    return None


def _try_everybody(connection: Connection[Any], table: Table) -> Iterator[Finding]:
    rows = _one(connection, SQL("select count(*) from {}").format(table.relation))
    stranger = {"sub": str(uuid4())}
    anyone = rows if table.readers == "authenticated" else 0
    admins = None if table.readers == "functions" else rows
    everybody: list[tuple[str, str, object, int | None]] = [
        ("Who is not logged in", "anon", {}, None),
        ("Who has no claims", "authenticated", None, anyone),
        ("A user of no tenant", "authenticated", stranger, anyone),
        (
            "A user who calls themselves admin",
            "authenticated",
            {**stranger, "user_metadata": {"role": "admin"}, "role": "admin"},
            anyone,
        ),
        (
            "A platform admin",
            "authenticated",
            {**stranger, "app_metadata": {"role": "admin"}},
            admins,
        ),
    ]
    for who, role, claims, expected in everybody:
        seen = _count(connection, table, role, claims)
        if table.readers == "functions":
            expected = None
        if expected is None and seen == 0:
            yield Finding(
                table.title,
                f"{who} may ask for rows of {table.title} and should be refused",
            )
        elif (seen or 0) != (expected or 0):
            yield Finding(
                table.title,
                f"{who} reads {_rows(seen)} of {table.title} and should read "
                f"{_rows(expected)}",
            )


def _try_members(connection: Connection[Any], table: Table) -> Iterator[Finding]:
    members = table.members or {}
    names = {
        "members": SQL(members["relation"]),
        "tenant": Identifier(members["tenant"]),
        "user": Identifier(members["user"]),
        "condition": _condition(members["only"]),
        "sample": SQL(str(SAMPLE)),
    }
    samples = connection.execute(
        SQL(
            "select {user}, array_agg({tenant}) filter (where {condition})"
            " from {members} group by {user}"
            # Some that are let in, and some that are not.
            " order by bool_or({condition}) desc, md5({user}::text) limit {sample}"
        ).format(**names)
    ).fetchall()
    if members["only"]:
        samples += connection.execute(
            SQL(
                "select {user}, null from {members} group by {user}"
                " having not bool_or({condition})"
                " order by md5({user}::text) limit {sample}"
            ).format(**names)
        ).fetchall()
    count = SQL(
        "select count(*), count(*) filter (where {tenant} = any(%s)) from {relation}"
    ).format(tenant=Identifier(table.tenant or ""), relation=table.relation)
    for user, tenants in samples:
        own = [tenants or []]
        ((_, theirs),) = connection.execute(count, own).fetchall()
        try:
            with _client(connection, "authenticated", {"sub": str(user)}):
                ((seen, seen_own),) = connection.execute(count, own).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            seen = seen_own = 0
        if seen != seen_own:
            yield Finding(
                table.title,
                f"User {user} reads {_rows(seen - seen_own)} of {table.title} that "
                "are of other tenants",
            )
        elif seen_own != theirs:
            yield Finding(
                table.title,
                f"User {user} reads {_rows(seen_own)} of {table.title} and should "
                f"read {_rows(theirs)}, all of their tenants",
            )
        else:
            continue
        return  # one of them says enough


def _try_index(connection: Connection[Any], table: Table) -> Iterator[Finding]:
    """Look that the policy's condition can be an index's.

    On a small table reading all of it is cheaper, so that is not offered.
    """
    with _client(connection, "authenticated", {"sub": str(uuid4())}):
        connection.execute("set local enable_seqscan = off")
        try:
            plan = _one(
                connection,
                SQL("explain (format json) select * from {}").format(table.relation),
            )
        except psycopg.errors.InsufficientPrivilege:
            return
    conditions = [node.get("Index Cond", "") for node in _nodes(plan[0]["Plan"])]
    if not any(table.tenant in condition for condition in conditions):
        yield Finding(
            table.title,
            f"A tenant's query of {table.title} cannot use an index: give the model "
            f"one that begins with {table.tenant}",
        )


def _try_types(connection: Connection[Any]) -> Iterator[Finding]:
    """Look that no type of a caller's own stands in for one that we mean.

    Its check would run with the owner's rights. All is called that clients may call,
    with nothing, and read that they may read.
    """
    said: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        said.append(notice.message_primary or "")

    attempts = connection.execute(query("client_objects")).fetchall()
    connection.add_notice_handler(note)
    try:
        with _client(connection, "authenticated", {"sub": str(uuid4())}):
            try:
                connection.execute(query("disguise_types"))
            except psycopg.errors.InsufficientPrivilege:
                return  # nobody can make any
            for attempt, name in attempts:
                said.clear()
                with (
                    suppress(psycopg.Error),
                    connection.transaction(force_rollback=True),
                ):
                    connection.execute(attempt)
                others = [line for line in said if not line.endswith("authenticated")]
                if others:
                    yield Finding(name, f"Of {name}, {others[0]}")
    finally:
        connection.remove_notice_handler(note)


def _count(
    connection: Connection[Any], table: Table, role: str, claims: object
) -> int | None:
    """Return how many rows a client reads; None where it is refused."""
    try:
        with _client(connection, role, claims):
            count = SQL("select count(*) from {}").format(table.relation)
            rows: int = _one(connection, count)
            return rows
    except psycopg.errors.InsufficientPrivilege:
        return None


@contextmanager
def _client(
    connection: Connection[Any], role: str, claims: object = None
) -> Iterator[None]:
    """Be a client of the API for the length of a block."""
    with connection.transaction(force_rollback=True):
        payload = "" if claims is None else json.dumps(claims)
        connection.execute(
            "select set_config('request.jwt.claims', %s, true)", [payload]
        )
        connection.execute(SQL("set local role {}").format(Identifier(role)))
        yield


def _condition(only: dict[str, Any]) -> Composable:
    conditions = [
        SQL("{} = {}").format(Identifier(column), psycopg.sql.Literal(str(value)))
        for column, value in only.items()
    ]
    return SQL(" and ").join(conditions) if conditions else SQL("true")


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def _one(connection: Connection[Any], statement: SQL | Composed) -> Any:  # noqa: ANN401
    ((value,),) = connection.execute(statement).fetchall()
    return value


def _rows(count: int | None) -> str:
    if not count:
        return "no row"
    return f"{count:,} row{'s' if count > 1 else ''}"
