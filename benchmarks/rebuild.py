"""What it costs to compute everything again."""

from benchmarks.measure import Results, alternately
from benchmarks.refresh import rows_that_differ
from benchmarks.site import Site, run


def measure(site: Site, results: Results, repetitions: int) -> None:
    """Measure full builds, beside making materialized views of the same rows."""
    compiled = site.compiled("metrics_daily")
    with site.connect() as connection:

        def view_of_model() -> None:
            connection.execute("drop materialized view if exists benchmark.same_query")
            connection.execute(
                b"create materialized view benchmark.same_query as " + compiled
            )
            run(connection, "index_same_query")

        contenders = {
            "view of the same query": view_of_model,
            "view written by hand": lambda: run(connection, "create_view"),
            "dbt run --full-refresh": lambda: site.command(
                *("dbt.cli.main", "run", "--full-refresh"),
                *("--select", "metrics_daily"),
            ),
            "orchestrator rebuild": lambda: site.command(
                *("orchestrator.cli", "rebuild", "metrics_daily")
            ),
        }
        ((last,),) = run(connection, "last_run")
        for name, figures in alternately(connection, contenders, repetitions).items():
            results.add(name, **figures)
        # The commands' own part, without the start of their process.
        for executor, durations in run(connection, "run_durations", last=last):
            results.add(f"in the database, by {executor}", seconds=durations)
        differing = sum(
            rows_that_differ(connection, f"benchmark.{view}")
            for view in ("view", "same_query")
        )
        connection.execute("drop materialized view benchmark.same_query")
    results.note(rows_that_differ={"views": differing})
