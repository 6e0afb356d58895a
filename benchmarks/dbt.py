"""The refresh of one table by dbt: warm, as a worker has it, and from nothing.

A beat of the worker's loop is timed in this process, its commands as processes of
their own, as a scheduler calls them.
"""

from benchmarks.measure import Results, alternately
from benchmarks.site import BenchmarkError, Site, run
from orchestrator import rounds
from orchestrator.dbt import LoadedProject

CHANGES = 1


def measure(site: Site, results: Results, repetitions: int) -> None:
    """Measure beats, and commands."""
    loaded = LoadedProject(site.project)
    loaded.run()
    loaded.settle()
    with site.connect() as connection:

        def beat() -> None:
            names = rounds.take_due(connection, eager=True)
            with rounds.keeping(connection, names) as kept:
                runs = rounds.build(loaded, connection, kept, installs=False)
            if [each.status for each in runs] != ["success"]:
                raise BenchmarkError(f"A beat has done {runs}.")

        def change() -> None:
            run(connection, "change_calls", calls=site.calls, changes=CHANGES)

        commands = {
            "dbt run": lambda: site.command(
                "dbt.cli.main", "run", "--select", "metrics_daily"
            ),
            "dbt build": lambda: site.command("dbt.cli.main", "build"),
        }
        beats = {"warm beat": beat}
        alternately(connection, beats, 1, change)
        warm = alternately(connection, beats, 3 * repetitions, change)
        cold = alternately(connection, commands, repetitions, change)
        for name, figures in {**warm, **cold}.items():
            results.add(name, **figures)
