"""The commands that show how everything stands, and what it means."""

import time
from contextlib import closing, nullcontext, suppress
from pathlib import Path

import click

from orchestrator import display, overview, page
from orchestrator import docs as documentation
from orchestrator import doctor as diagnosis
from orchestrator.cli.base import Number, json_option, main, of_project
from orchestrator.database import connect, connected, plain_errors
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.profiles import connection_profile
from orchestrator.project import Project


@main.command()
@of_project
@click.option(
    "--watch",
    "every",
    type=Number(min=0.1, max=86_400),
    is_flag=False,
    flag_value=2.0,
    metavar="[SECONDS]",
    help="Show it again every 2 seconds, or as many, until Ctrl-C.",
)
@click.option(
    "--html",
    "page_file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write a web page of it, with charts, to a file (-: to stdout).",
)
@json_option
def status(
    project: Project, every: float | None, page_file: Path | None, as_json: bool
) -> None:
    """Say whether everything is fine, and how each summary table stands.

    A table is fresh, due, late (it has missed a whole period), failing, or not
    built. Requests that wait are served at its next refresh.

    \b
    Examples:
      orchestrator status
      orchestrator status --json
    """
    if (every is not None) + (page_file is not None) + as_json > 1:
        raise UsageError("Choose one of --watch, --html and --json.")
    if every is not None:
        _watch_status(project, every)
        return
    with connected(project) as connection:
        found = overview.look(connection)
        charts = overview.charts(connection) if page_file else []
    if page_file:
        page.write(page_file, page.render(found, charts))
    elif as_json:
        display.show_json(found.summaries)
    else:
        display.show_status(found)


def _watch_status(project: Project, every: float) -> None:
    """Show the status until Ctrl-C, also while the database is away."""
    profile = connection_profile(project)
    with suppress(KeyboardInterrupt), display.showing_status() as show:
        while True:
            try:
                with plain_errors(), connect(profile) as connection:
                    show(overview.look(connection))
            except OrchestratorError as error:
                show(error)
            time.sleep(every)


@main.command()
@of_project
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write it (else dbt's target folder).",
)
@click.option("--serve", is_flag=True, help="Serve it to this machine until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="With --serve: the port; 0 is any that is free.",
)
@click.option("--open", "in_browser", is_flag=True, help="Show it in the browser.")
def docs(
    project: Project, output: Path | None, serve: bool, port: int, in_browser: bool
) -> None:
    """Write the docs site: every table, column, test and where figures come from.

    One file, which can be sent, put on any web server, or opened as it is. It is
    dbt's own site, with what the database has.

    \b
    Examples:
      orchestrator docs
      orchestrator docs --output kpi-docs.html
      orchestrator docs --serve
    """
    # The port first: to write the site takes a while.
    with closing(documentation.Site(port)) if serve else nullcontext() as site:
        with display.working("Writing the docs site"):
            page = documentation.write(project, output)
        url = site.url if site else page.resolve().as_uri()
        click.echo(
            f"The docs are served at {url} until Ctrl-C."
            if site
            else f"The docs are in {click.format_filename(page)}."
        )
        if in_browser:
            click.launch(url)
        if site:
            site.serve(page)


@main.command()
@of_project
@json_option
@click.pass_context
def doctor(ctx: click.Context, project: Project, as_json: bool) -> None:
    """Check that the database meets the requirements.

    Looks at the server, the connection, the role's rights, settings, source tables
    and their indexes, pg_cron and replication, and says what to do about what is
    wrong. Changes nothing, and needs nothing built or installed. The exit code is 1
    where something is missing that a build needs.

    \b
    Examples:
      orchestrator doctor
      orchestrator doctor --json
    """
    with plain_errors(), display.working("Examining"):
        found = list(diagnosis.examine(project))
    if as_json:
        display.show_json(found)
    else:
        display.show_diagnosis(found)
    if any(finding.verdict == "problem" for finding in found):
        ctx.exit(1)
