"""The refresh of one table by dbt: warm, as a worker has it, and from nothing.

A tick of the worker's loop is timed in this process, its commands as processes of
their own, as a scheduler calls them.
"""

from benchmarks.measure import Results, alternately
from benchmarks.site import BenchmarkError, Site, run
from orchestrator import refresh_runs
from orchestrator.dbt import LoadedProject

CHANGES = 1


def measure(site: Site, results: Results, repetitions: int) -> None:
    """Measure ticks, and commands."""
    loaded = LoadedProject(site.project)
    loaded.run()
    loaded.settle()
    with site.connect() as connection:

        def tick() -> None:
            names = refresh_runs.claim_due(connection, eager=True)
            with refresh_runs.keeping(connection, names) as kept:
                runs = refresh_runs.build(loaded, connection, kept, installs=False)
            if [each.status for each in runs] != ["success"]:
                raise BenchmarkError(f"A tick has done {runs}.")

        def change() -> None:
            run(connection, "change_calls", calls=site.calls, changes=CHANGES)

        commands = {
            "dbt run": lambda: site.command(
                "dbt.cli.main", "run", "--select", "metrics_daily"
            ),
            "dbt build": lambda: site.command("dbt.cli.main", "build"),
        }
        ticks = {"warm tick": tick}
        alternately(connection, ticks, 1, change)
        warm = alternately(connection, ticks, 3 * repetitions, change)
        cold = alternately(connection, commands, repetitions, change)
        for name, figures in {**warm, **cold}.items():
            results.add(name, **figures)
