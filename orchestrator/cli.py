"""The command line: it parses, calls and prints."""

import functools
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from orchestrator import __version__, display, rounds, summaries
from orchestrator.database import connected
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.project import Project

CONTEXT = {"help_option_names": ["-h", "--help"]}
INTERRUPTED = 130

Command = Callable[..., Any]


class Commands(click.Group):
    """Commands whose errors are one sentence each, and no traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; turn our errors into click's, with their exit code."""
        try:
            return super().invoke(ctx)
        except OrchestratorError as error:
            failure = click.ClickException(str(error))
            failure.exit_code = error.exit_code
            raise failure from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


def project_options(command: Command) -> Command:
    """Add dbt's options that say which project and connection are meant.

    They may stand before or after the name of a command; the latter wins.
    """

    def remember(ctx: click.Context, option: click.Parameter, value: object) -> None:
        told = ctx.ensure_object(dict)
        if value is not None:
            told[option.name] = value

    folder = click.Path(exists=True, file_okay=False, path_type=Path)
    options: dict[str, dict[str, Any]] = {
        "--project-dir": {"type": folder, "help": "The dbt project's folder."},
        "--profiles-dir": {"type": folder, "help": "The folder of profiles.yml."},
        "--profile": {"help": "The profile to use, instead of the project's."},
        "--target": {"help": "The target of the profile to use."},
        "--vars": {"help": "The project's vars, as YAML."},
    }
    for name, settings in reversed(options.items()):
        option = click.option(name, expose_value=False, callback=remember, **settings)
        command = option(command)
    return command


def of_project(command: Command) -> Command:
    """Give a command the project that its options name, as first argument."""

    @project_options
    @click.pass_context
    @functools.wraps(command)
    def with_project(ctx: click.Context, *args: object, **kwargs: object) -> object:
        return command(Project(**ctx.ensure_object(dict)), *args, **kwargs)

    return with_project


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
SCALE = click.FloatRange(min=0, min_open=True)
day = click.DateTime(formats=["%Y-%m-%d"])


@click.group(cls=Commands, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="orchestrator")
@project_options
def main() -> None:
    """Keep the summary tables of a PostgreSQL database fresh.

    The tables are a dbt project's, and the connection is that of its profile:
    DBT_PROJECT_DIR and DBT_PROFILES_DIR are heeded, as by dbt.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every terminal has ▲


@main.command()
@of_project
@click.option(
    *("-s", "--select", "criteria"),
    multiple=True,
    metavar="SELECTOR",
    help="Only what dbt selects by this; may be given again.",
)
@click.option(
    "--cadence",
    metavar="EVERY",
    help="Only those refreshed every 'day', '5 minutes', …",
)
@click.option("--due", is_flag=True, help="Only those due or with requests waiting.")
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    project: Project,
    criteria: tuple[str, ...],
    cadence: str | None,
    due: bool,
    as_json: bool,
) -> None:
    r"""Refresh summary tables, by one run of dbt.

    Each takes the requests that wait for it and the periods that time has
    brought, and writes the rows that differ. What was never built is built.
    With --due, so are those that a refresh has just asked something of.

    \b
    Examples:
      orchestrator run
      orchestrator run --due
      orchestrator run --cadence day --json
    """
    began = time.monotonic()
    refresh_them = rounds.refresh_due if due else rounds.refresh
    with (
        connected(project) as connection,
        display.working("Refreshing") as work,
    ):
        done = refresh_them(project, connection, criteria, cadence, work.listen)
    if as_json:
        display.show_json(done)
        display.show_failures(done)
    elif done:
        display.show_runs(done, timedelta(seconds=time.monotonic() - began))
    else:
        click.echo("Nothing is due, and no request waits.")
    if any(run.failed for run in done):
        ctx.exit(1)


@main.command()
@of_project
@click.argument("model")
@click.option("--tenant", type=click.UUID, help="Only this tenant's periods.")
@click.option("--from", "first", type=day, help="From this local day on.")
@click.option("--to", "last", type=day, help="Up to this local day.")
@json_option
@click.pass_context
def refresh(
    ctx: click.Context,
    project: Project,
    model: str,
    tenant: UUID | None,
    first: datetime | None,
    last: datetime | None,
    as_json: bool,
) -> None:
    r"""Refresh one summary table now, in the database.

    It takes the requests that wait for it and the periods that time has brought.
    A tenant or days are requested first: they are computed again, whether or not
    their sources are known to have changed.

    \b
    Examples:
      orchestrator refresh kpi_daily
      orchestrator refresh kpi_daily --from 2026-01-01 --to 2026-01-31
    """
    with connected(project) as connection:
        done = summaries.refresh(
            connection, model, tenant, first and first.date(), last and last.date()
        )
    display.show_failures([done])
    if as_json:
        display.show_json(done)
    elif not done.failed:
        display.show_refresh(done)
    if done.failed:
        ctx.exit(1)


@main.command()
@click.option("--scale", type=SCALE, help="How much data, about (1 unless made).")
@click.option("--seed", type=int, help="Which data (1 unless made).")
@click.option("--stop", is_flag=True, help="Stop the demo's server; its data stays.")
@click.option("--reset", is_flag=True, help="Delete the demo's server and all data.")
def demo(scale: float | None, seed: int | None, stop: bool, reset: bool) -> None:
    r"""Show all this at work, on a private server with made-up data.

    Starts a PostgreSQL of its own, fills it with the source data of five
    businesses, builds the summary tables, changes some source rows, and
    refreshes what that touched. The data stays for the next time; scale 1 is a
    third of a million source rows.

    \b
    Examples:
      orchestrator demo
      orchestrator demo --stop
      orchestrator demo --reset
    """
    from orchestrator.demo import demo as shown
    from orchestrator.demo import picture

    if stop or reset:
        if (stop and reset) or scale is not None or seed is not None:
            raise UsageError("--stop and --reset stand alone.")
        click.echo(shown.reset() if reset else shown.stop())
        return
    picture.show(shown.run(scale, seed))


@main.command()
@of_project
@json_option
def status(project: Project, as_json: bool) -> None:
    r"""Show which summary tables are fresh, are due, or have requests waiting.

    \b
    Example:
      orchestrator status
    """
    with connected(project) as connection:
        found = summaries.all_summaries(connection)
    if as_json:
        display.show_json(found)
    else:
        display.show_status(found)


if __name__ == "__main__":
    main()
