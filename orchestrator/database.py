"""The connection to the database that dbt's profile names."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from orchestrator.errors import TAKES_NO_CHANGES, OrchestratorError, UsageError
from orchestrator.profiles import ConnectionProfile, connection_profile
from orchestrator.project import Project
from orchestrator.queries import Connection, Schemas, query

# What it says where it lacks something that this version brings.
OUTDATED = (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction)

# What the database says of a request that makes no sense.
USAGE = (
    psycopg.errors.InvalidDatetimeFormat,
    psycopg.errors.InvalidParameterValue,
    psycopg.errors.NoDataFound,
)


class DatabaseError(OrchestratorError):
    """The database could not be reached, or refused what was asked of it."""


@contextmanager
def connected(project: Project) -> Iterator[Connection]:
    """Connect for the length of a block; each statement commits by itself.

    Raises DatabaseError where nobody is let in, and for what goes wrong inside.
    """
    profile = connection_profile(project)
    with plain_errors(), connect(profile) as connection:
        yield connection


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what the database refuses into a sentence of its own words."""
    try:
        yield
    except psycopg.Error as error:
        said = error.diag.message_primary or " ".join(str(error).split())
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            said = TAKES_NO_CHANGES
        elif isinstance(error, OUTDATED):
            said += "; if another version has built the database: orchestrator install"
        elif error.diag.message_hint:
            said = f"{said} {error.diag.message_hint}"
        kind = UsageError if isinstance(error, USAGE) else DatabaseError
        raise kind(said) from error


def is_installed(connection: psycopg.Connection[Any]) -> bool:
    """Say whether a build has ever left its tables and functions here."""
    found = connection.execute(query("is_installed")).fetchone()
    return bool(found and found[0])


def require_installed(connection: psycopg.Connection[Any]) -> None:
    """Raise DatabaseError where there is nothing to look at or to refresh yet."""
    if not (
        is_installed(connection) and connection.execute(query("has_models")).fetchone()
    ):
        raise DatabaseError(
            f'The database "{connection.info.dbname}" has no summary tables yet: '
            "build them with 'orchestrator run'."
        )


def connect(profile: ConnectionProfile) -> Connection:
    """Return a connection that commits each statement by itself.

    Named queries mean the schemas that the profile's target has built.

    Raises DatabaseError where nobody is let in.
    """
    login = profile.credentials
    optional = {
        "options": _search_path(login.search_path),
        "sslmode": login.sslmode,
        "sslcert": login.sslcert,
        "sslkey": login.sslkey,
        "sslrootcert": login.sslrootcert,
    }
    wanted: dict[str, Any] = {
        "host": login.host,
        "port": login.port,
        "user": login.user,
        "password": login.password,
        "dbname": login.database,
        "connect_timeout": login.connect_timeout,
        # As in configure_session.sql, for a server that goes.
        "keepalives_idle": login.keepalives_idle or 60,
        "keepalives_interval": 10,
        "keepalives_count": 6,
        "tcp_user_timeout": 120_000,
        "application_name": "orchestrator",
        "autocommit": True,
        **{name: value for name, value in optional.items() if value},
    }
    try:
        connection = Connection.connect(**wanted)
        _refuse_transaction_pooler(connection, wanted)
    except psycopg.OperationalError as error:
        raise DatabaseError(
            f'The database "{login.database}" at {login.host}:{login.port} cannot be '
            f"reached: {_reason(error)}; look at the target {profile.target} in "
            f"{profile.path}."
        ) from error
    if login.role:
        connection.execute(
            psycopg.sql.SQL("set role {}").format(psycopg.sql.Identifier(login.role))
        )
    connection.execute(query("configure_session"))
    named = {"target_schema": login.schema}
    for runtime, published in connection.execute(query("schemas"), named).fetchall():
        connection.schemas = Schemas(runtime, published)
    return connection


def _refuse_transaction_pooler(
    connection: psycopg.Connection[Any], wanted: dict[str, Any]
) -> None:
    """Raise DatabaseError where each transaction may be another session's.

    A pooler names no process of the server's as it lets one in. If it hands the
    session that one connection has just used to another, it pools transactions.
    """
    session = _session(connection)
    if session == connection.info.backend_pid:
        return
    others = []
    try:
        for _ in range(3):
            others.append(psycopg.connect(**{**wanted, "autocommit": False}))
            if _session(others[-1]) == session:
                connection.close()
                raise DatabaseError(
                    f"{wanted['host']}:{wanted['port']} is a transaction pooler, which "
                    "hands each transaction to another session. Use a session pooler "
                    "(Supabase's: port 5432 of the same host), or connect to the "
                    "database directly."
                )
    finally:
        for other in others:
            other.close()


def _session(connection: psycopg.Connection[Any]) -> int:
    ((process,),) = connection.execute("select pg_backend_pid()").fetchall()
    return int(process)


def _search_path(search_path: str | None) -> str | None:
    if not search_path:
        return None
    return "-c search_path=" + search_path.replace(" ", "\\ ")


def _reason(error: psycopg.OperationalError) -> str:
    """Return the last reason of a failed connection, without how it was tried."""
    text = str(error).strip().rpartition(" failed: ")[2]
    return text.splitlines()[0].removeprefix("FATAL:").strip()
