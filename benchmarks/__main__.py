"""The command line: it measures parts at sizes, and reports what was measured."""

import os
import platform
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from benchmarks import (
    backlog,
    capture,
    dashboards,
    dbt,
    rebuild,
    refresh,
    report,
    site,
    tables,
    worker,
)
from benchmarks.measure import Results
from kpi_demo.server import Server, remove
from orchestrator.cli.base import CONTEXT, Commands
from orchestrator.errors import UsageError

PARTS: dict[str, Callable[[site.Site, Results, int], None]] = {
    "refresh": refresh.measure,
    "rebuild": rebuild.measure,
    "dashboards": dashboards.measure,
    "capture": capture.measure,
    "dbt": dbt.measure,
    "worker": worker.measure,
    "cadence": worker.measure_cadence,
    "tables": tables.measure,
    "backlog": backlog.measure,
}

# What is measured where nothing is chosen: the parts at each size, and how often.
PLAN: dict[str, dict[str, int]] = {
    "100k": {"refresh": 5, "rebuild": 3, "dashboards": 5, "tables": 5},
    "1m": {
        "refresh": 5,
        "rebuild": 3,
        "dashboards": 5,
        "capture": 3,
        "dbt": 3,
        "worker": 5,
        "cadence": 4,
        "backlog": 1,
    },
    "10m": {"refresh": 3, "rebuild": 1, "dashboards": 5, "dbt": 1, "worker": 3},
}
REPETITIONS = 3
SEVERAL = "several with commas between"


def names(
    known: Collection[str],
) -> Callable[[click.Context, click.Parameter, str | None], list[str] | None]:
    """Return what reads some of these names from an option."""

    def read(
        _: click.Context, __: click.Parameter, value: str | None
    ) -> list[str] | None:
        if value is None:
            return None
        shown = [name.strip() for name in value.split(",")]
        for name in shown:
            if name not in known:
                raise click.BadParameter(
                    f"{name!r} is unknown: choose from {', '.join(known)}."
                )
        return shown

    return read


folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=site.default_folder,
    help="Where the server and the results are; beside the demo's unless given.",
)


@click.group(cls=Commands, context_settings=CONTEXT)
def main() -> None:
    """Measure what the summary tables cost, beside what people use today."""


@main.command()
@click.option(
    "--size",
    "sizes",
    metavar="NAMES",
    callback=names(site.SIZES),
    help=f"How many calls are stored: {', '.join(site.SIZES)}; {SEVERAL}.",
)
@click.option(
    "--only",
    "parts",
    metavar="NAMES",
    callback=names(PARTS),
    help=f"{', '.join(PARTS)}; {SEVERAL}.",
)
@click.option(
    "--repetitions", type=click.IntRange(min=1), help="Rounds; 5 or fewer by default."
)
@folder_option
def measure(
    sizes: list[str] | None,
    parts: list[str] | None,
    repetitions: int | None,
    folder: Path,
) -> None:
    """Measure, and keep the results of each part and size as JSON.

    Without --size, the three sizes that the report is of, with the parts that
    depend on it. A part that is measured again replaces its results.
    """
    plan = [
        (size, part, repetitions or PLAN.get(size, {}).get(part, REPETITIONS))
        for size in sizes or PLAN
        for part in parts or (PARTS if sizes else PLAN[size])
        if sizes or part in PLAN[size]
    ]
    server = site.start_server(folder)
    for size, part, rounds in plan:
        began = time.monotonic()
        make = site.all_domains if part == "tables" else site.restaurants
        place = make(folder, server, size)
        loaded = time.monotonic()
        results = Results(folder / "results", part, size)
        PARTS[part](place, results, rounds)
        results.save(
            measured_at=datetime.now(UTC).date().isoformat(),
            repetitions=rounds,
            machine=_machine(server),
        )
        click.echo(
            f"{size:>4} {part:<10} {time.monotonic() - loaded:>4.0f} s"
            f" (and {loaded - began:.0f} s to load and build)",
            err=True,
        )


@main.command("report")
@click.option(
    "--to",
    "destination",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to; benchmarks/results for the one in the repository.",
)
@folder_option
def write_report(destination: Path | None, folder: Path) -> None:
    """Write the tables and plots of what was measured."""
    results = folder / "results"
    if not any(results.glob("*.json")):
        raise UsageError(
            f"There are no results in {results}: measure first, with 'bin/benchmark "
            "measure'."
        )
    for path in report.write(results, destination or folder / "report"):
        click.echo(path)


@main.command()
@folder_option
def clean(folder: Path) -> None:
    """Delete the server and its databases; the results stay."""
    remove(folder / "server")


def _machine(server: Server) -> dict[str, object]:
    """Return what the figures depend on."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(pages * page / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "postgresql": server.version,
        "python": platform.python_version(),
        "dbt": version("dbt-core"),
        "settings": site.settings(),
    }


if __name__ == "__main__":
    main(prog_name="bin/benchmark")
