"""One summary table, with all that an operator may ask about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row
from psycopg.sql import SQL, Identifier

from orchestrator.errors import UsageError
from orchestrator.overview import Chart, PastRun, charts, last_runs
from orchestrator.queries import query
from orchestrator.summaries import Summary, all_summaries, suggest

FOLDER = "orchestrator.sql.table"


@dataclass(frozen=True)
class WaitingRequests:
    """Requests of one kind that wait, and the time that they are about, if any."""

    reason: str
    tenant: str | None
    immediate: bool
    requests: int
    since: datetime
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True)
class TableIncident:
    """An incident, open while `closed_at` is None."""

    kind: str
    message: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class TableDetails:
    """A summary table: how it stands, what came of it, what it is, who reads it."""

    database: str
    asked_at: datetime
    summary: Summary
    declaration: dict[str, Any]
    charts: list[Chart]
    tenants: list[str]
    runs: list[PastRun]
    requests: list[WaitingRequests]
    incidents: list[TableIncident]
    upstream: list[str]
    downstream: list[str]
    columns: list[tuple[str, str, str | None]]
    policies: list[tuple[str, str, str, str | None]]


@dataclass(frozen=True)
class Question:
    """What is asked of a table's page: whose figures, and which runs."""

    tenant: str | None = None
    search: str = ""
    status: str | None = None
    sort: str = "began"


# How the runs of a table can be sorted.
ORDERS: dict[str, Any] = {
    "began": lambda run: run.started_at,
    "took": lambda run: run.duration or run.started_at - run.started_at,
    "rows": lambda run: run.rows_changed or 0,
    "periods": lambda run: run.periods or 0,
}


def look(connection: Connection[Any], model: str, asked: Question) -> TableDetails:
    """Return all of one summary table.

    Raises UsageError where there is none, DatabaseError where nothing was ever built.
    """
    summaries = {summary.model: summary for summary in all_summaries(connection)}
    if model not in summaries:
        raise UsageError(
            f'There is no summary table "{model}"{suggest(model, summaries)}'
        )
    names = {"model": model}
    with connection.cursor(row_factory=dict_row) as cursor:
        (declaration,) = cursor.execute(query("declaration", FOLDER), names).fetchall()
    lineage = connection.execute(query("lineage", FOLDER), names).fetchall()
    runs = last_runs(connection, model, asked.status, 50)
    order = ORDERS.get(asked.sort, ORDERS["began"])
    ((now,),) = connection.execute("select clock_timestamp()").fetchall()
    return TableDetails(
        database=connection.info.dbname,
        asked_at=now,
        summary=summaries[model],
        declaration=declaration,
        charts=charts(connection, model, asked.tenant),
        tenants=_tenants(connection, declaration, asked.search),
        runs=sorted(runs, key=order, reverse=True),
        requests=_rows(connection, WaitingRequests, "requests", names),
        incidents=_rows(connection, TableIncident, "incidents", names),
        upstream=[name for name, is_upstream in lineage if is_upstream],
        downstream=[name for name, is_upstream in lineage if not is_upstream],
        columns=connection.execute(query("columns", FOLDER), names).fetchall(),
        policies=connection.execute(query("policies", FOLDER), names).fetchall(),
    )


def _rows(
    connection: Connection[Any], kind: type[Any], name: str, values: dict[str, Any]
) -> list[Any]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(query(name, FOLDER), values).fetchall()


def _tenants(
    connection: Connection[Any], declaration: dict[str, Any], search: str
) -> list[str]:
    """Return tenants whose ids have these letters: a few."""
    column, calendar = declaration["tenant"], declaration["calendar"]
    if column is None or calendar is None:
        return []
    statement = SQL(query("tenants", FOLDER).decode()).format(
        tenant=Identifier(column), calendar=SQL(calendar)
    )
    escaped = search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    rows = connection.execute(statement, {"pattern": f"%{escaped}%"})
    return [tenant for (tenant,) in rows]
