"""Every summary table after changes of all kinds, beside a materialized view.

The data are the demo's, of all five domains, and so are the changes: late rows,
corrections, cancellations, moves. Each view is the plain query over the source
tables that the tests compare the table with. Those have a clock that stands still,
so that view and table are of one moment.
"""

import sys
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from benchmarks.measure import Results, seconds
from benchmarks.site import CHECKOUT, BenchmarkError, Site, run
from kpi_demo.source_data import apply_changes

sys.path.insert(0, str(CHECKOUT / "tests"))

from naive import QUERIES


def measure(site: Site, results: Results, repetitions: int) -> None:
    """Measure the refresh of each table after the same changes as its view's."""
    with site.connect() as connection:
        run(connection, "remember_events")
        tables = run(connection, "tables")
        connection.execute("select analytics.manual_refresh()")
        for model, key in tables:
            if model in QUERIES:
                _make_view(connection, model, key)
        samples: dict[str, dict[str, list[float]]] = {
            model: {"refresh": [], "view": [], "rows_changed": []}
            for model, _ in tables
        }
        for _ in range(repetitions):
            apply_changes(connection)
            for model, _ in tables:
                _refresh(connection, model, samples[model])
        for model, key in tables:
            if model in QUERIES:
                stored, alone = _compare(connection, model, key)
                results.add(
                    model, **samples[model], rows=stored, rows_that_differ=alone
                )


def _make_view(connection: Connection[Any], model: str, key: list[str]) -> None:
    """Make the view, with the unique index that a concurrent refresh needs."""
    view = Identifier("benchmark", model)
    ((now,),) = run(connection, "present")
    drop = SQL("drop materialized view if exists {}")
    connection.execute(drop.format(view))
    create = SQL("create materialized view {} as ").format(view).as_string(connection)
    connection.execute(create.encode() + QUERIES[model].encode(), {"now": now})
    index = SQL("create unique index on {} ({})")
    columns = SQL(", ").join(map(Identifier, key))
    connection.execute(index.format(view, columns))


def _refresh(
    connection: Connection[Any], model: str, samples: dict[str, list[float]]
) -> None:
    """Refresh a table, and its view if it has one."""

    def ours() -> None:
        ((status, rows),) = connection.execute(
            "select status, rows_changed from analytics.refresh(%s)", [model]
        ).fetchall()
        if status != "success":
            raise BenchmarkError(f"The refresh of {model} ended in {status}.")
        samples["rows_changed"].append(rows)

    samples["refresh"].append(seconds(ours))
    if model in QUERIES:
        refresh = SQL("refresh materialized view concurrently {}")
        view = refresh.format(Identifier("benchmark", model))
        samples["view"].append(seconds(lambda: connection.execute(view)))


def _compare(
    connection: Connection[Any], model: str, key: list[str]
) -> tuple[int, int]:
    """Return how many rows the table has, and how many keys only one of the two."""
    compare = SQL(
        "select count(ours), count(*) filter (where (ours and view) is null)"
        " from (select {key}, true as ours from {table}) as ours"
        " full join (select {key}, true as view from {view}) as views using ({key})"
    )
    ((rows, alone),) = connection.execute(
        compare.format(
            key=SQL(", ").join(map(Identifier, key)),
            table=Identifier("analytics", model),
            view=Identifier("benchmark", model),
        )
    ).fetchall()
    return rows, alone
