"""What a refresh of `metrics_daily` costs, beside a view's and a function's.

Each round changes some calls, and then each contender makes its table agree with
them. At the end the tables are compared: a refresh that is quick and wrong is none.
"""

from typing import Any

from psycopg import Connection

from benchmarks.measure import Results, alternately, wal_position
from benchmarks.site import BenchmarkError, Site, run

CHANGES = (0, 1, 100, 10_000)
MOST_ROUNDS = 100
OURS = "select status, rows_changed from analytics.refresh('metrics_daily')"


def measure(site: Site, results: Results, repetitions: int) -> None:
    """Measure refreshes after few and many changes."""
    with site.connect() as connection:
        _refresh(connection)
        run(connection, "create_view")
        run(connection, "prepare_refresh")
        # So that all write whole pages alike, as one does after a checkpoint.
        connection.execute("checkpoint")
        contenders = {
            "refresh": lambda: _refresh(connection),
            "minimum": lambda: connection.execute(
                "select benchmark.recompute_changed()"
            ),
            "yesterday": lambda: connection.execute(
                "select benchmark.recompute_yesterday()"
            ),
            "view": lambda: connection.execute(
                "refresh materialized view concurrently benchmark.view"
            ),
        }
        quick = {name: contenders[name] for name in ("refresh", "minimum")}
        for changes in (each for each in CHANGES if each <= site.calls / 10):

            def change(count: int = changes) -> None:
                run(connection, "change_calls", calls=site.calls, changes=count)

            # Once unmeasured: a session's first call plans what later ones have.
            alternately(connection, quick, 1, change)
            # The view's time hardly depends on the changes: most rounds for one.
            rounds = repetitions if changes == MOST_ROUNDS else 1
            measured = alternately(connection, contenders, rounds, change)
            # The quick ones more often, since a little disturbs them more.
            more = alternately(connection, quick, 2 * repetitions, change)
            for name, figures in measured.items():
                for figure, samples in more.get(name, {}).items():
                    figures[figure] += samples
                results.add(name, changes=changes, **figures)
            change()
            connection.execute("select benchmark.recompute_changed()")
            results.add("refresh written", changes=changes, **_written(connection))
        connection.execute("refresh materialized view concurrently benchmark.view")
        ((stored,),) = connection.execute(
            "select count(*) from analytics.metrics_daily"
        ).fetchall()
        differing = {
            name: rows_that_differ(connection, f"benchmark.{name}")
            for name in ("view", "minimum")
        }
    results.note(rows_stored=stored, rows_that_differ=differing)


def rows_that_differ(connection: Connection[Any], rival: str) -> int:
    """Return how many rows a rival lacks of `metrics_daily`, or has beside it."""
    ((differing,),) = connection.execute(
        "select benchmark.differing('analytics.metrics_daily', %s)", [rival]
    ).fetchall()
    return int(differing)


def _refresh(connection: Connection[Any]) -> int:
    ((status, rows),) = connection.execute(OURS).fetchall()
    if status != "success":
        raise BenchmarkError(f"The refresh ended in {status}.")
    return int(rows)


def _written(connection: Connection[Any]) -> dict[str, int]:
    """Refresh, and look at what that has written and what a replica gets of it."""
    connection.execute("create extension if not exists pg_walinspect")
    connection.execute("create publication benchmark for table analytics.metrics_daily")
    connection.execute(
        "select pg_create_logical_replication_slot('benchmark', 'pgoutput', true)"
    )
    start = wal_position(connection)
    rows = _refresh(connection)
    stop = wal_position(connection)
    ((replicated,),) = run(connection, "replicated_rows")
    connection.execute("select pg_drop_replication_slot('benchmark')")
    connection.execute("drop publication benchmark")
    ((of_table,),) = run(
        connection,
        "wal_of_table",
        table="analytics.metrics_daily",
        start=start,
        stop=stop,
    )
    return {
        "rows_changed": rows,
        "rows_replicated": replicated,
        "wal_bytes_in_all": stop - start,
        "wal_bytes_of_table": of_table,
    }
