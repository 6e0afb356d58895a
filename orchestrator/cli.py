"""The command line: it parses, calls and prints."""

import functools
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from orchestrator import (
    __version__,
    display,
    installation,
    overview,
    page,
    rounds,
    summaries,
    upkeep,
    web,
    words,
)
from orchestrator import access as guard
from orchestrator import cron as jobs
from orchestrator import docs as documentation
from orchestrator import doctor as diagnosis
from orchestrator import webhook as webhooks
from orchestrator import worker as worker_process
from orchestrator.database import connect, connected, plain_errors
from orchestrator.dbt import connection_profile
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.journal import Journal
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
            failure.exit_code = error.exit_code  # type: ignore[misc]
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
    def with_project(ctx: click.Context, /, *args: object, **kwargs: object) -> object:
        return command(Project(**ctx.ensure_object(dict)), *args, **kwargs)

    return with_project


def summaries_here(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[str]:
    """Return the summary tables that a shell may complete a word to, if any."""
    try:
        names = Project(**ctx.find_object(dict) or {}).summaries()
    except OrchestratorError:
        return []
    return sorted(name for name in names if name.startswith(incomplete))


webhook_option = click.option(
    "--webhook",
    metavar="URL",
    envvar=webhooks.VARIABLE,
    help=f"Where to post incidents; else {webhooks.VARIABLE} says so.",
)
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
    shell_complete=summaries_here,
    help="Only what dbt selects by this; may be given again.",
)
@click.option(
    "--cadence",
    metavar="EVERY",
    help="Only those refreshed every 'day', '5 minutes', …",
)
@click.option("--due", is_flag=True, help="Only those due or with requests waiting.")
@webhook_option
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    project: Project,
    criteria: tuple[str, ...],
    cadence: str | None,
    due: bool,
    webhook: str | None,
    as_json: bool,
) -> None:
    """Refresh summary tables, by one run of dbt.

    Each takes the requests that wait for it and the periods that time has
    brought, and writes the rows that differ. What was never built is built.
    With --due, so are those that a refresh has just asked something of, and the
    rows that changed are tested.

    \b
    Examples:
      orchestrator run
      orchestrator run --due
      orchestrator run --cadence day --json
    """
    began = time.monotonic()
    refresh_them = rounds.refresh_due if due else rounds.refresh
    url = webhooks.check(webhook) if webhook else None
    with (
        connected(project) as connection,
        display.working("Refreshing") as work,
    ):
        done = refresh_them(project, connection, criteria, cadence, work.listen)
        rounds.watch(connection, url)
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
@click.option(
    "--interval",
    type=click.FloatRange(min=0.05),
    default=1.0,
    show_default=True,
    help="Seconds between looks at what there is to do.",
)
@click.option(
    "--low-tide",
    type=click.DateTime(formats=["%H:%M"]),
    metavar="HH:MM",
    default=worker_process.LOW_TIDE,
    show_default=True,
    help="When nights are quiet, in UTC: from then on, audits.",
)
@webhook_option
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What the lines on stderr are.",
)
@click.option(
    "--http",
    "address",
    metavar="[HOST]:PORT",
    help="Serve the status page and metrics there; :9090 is 127.0.0.1:9090.",
)
@click.pass_context
def worker(
    ctx: click.Context,
    project: Project,
    interval: float,
    low_tide: datetime,
    webhook: str | None,
    log_format: str,
    address: str | None,
) -> None:
    """Keep summary tables fresh, until told to stop.

    Refreshes what is due and what is asked for, within seconds, and tests the
    rows that change. Several workers share the work. Begins with a run of the
    whole project, and does so again when its files change. Posts incidents to
    the webhook, audits a sample of each table at night.

    SIGTERM or SIGINT ends it when the transactions under way have ended; a second
    one undoes them.

    \b
    Examples:
      orchestrator worker
      orchestrator worker --interval 5 --log-format json
      orchestrator worker --http :9090
    """
    stopped_by = worker_process.Worker(
        project,
        Journal(as_json=log_format == "json"),
        interval=interval,
        webhook_url=webhook,
        low_tide=f"{low_tide:%H:%M}",
        http=web.Address.parse(address) if address else None,
    ).work()
    if stopped_by == signal.SIGINT:
        ctx.exit(INTERRUPTED)


@main.command()
@of_project
@click.argument("model", shell_complete=summaries_here)
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
    """Refresh one summary table now, in the database.

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
@of_project
@click.argument("model", shell_complete=summaries_here)
@click.option("--from", "first", type=day, required=True, help="The first local day.")
@click.option("--to", "last", type=day, help="The last local day (else today).")
@click.option("--tenant", type=click.UUID, help="Only this tenant's periods.")
@json_option
def backfill(
    project: Project,
    model: str,
    first: datetime,
    last: datetime | None,
    tenant: UUID | None,
    as_json: bool,
) -> None:
    """Compute days of a summary table again, and of those that read it.

    It works in slices, each a transaction: readers are never blocked, and what
    was interrupted goes on where it was when the same is asked for again.

    \b
    Examples:
      orchestrator backfill kpi_daily --from 2025-01-01
      orchestrator backfill metrics_daily --from 2026-01-01 --to 2026-03-31
    """
    days = first.date(), (last or datetime.now(UTC)).date()
    with connected(project) as connection:
        slices = upkeep.backfill(connection, model, *days, tenant)
        done = display.show_backfill(slices)
    if as_json:
        display.show_json(done)
    else:
        display.show_backfilled(done)


@main.command()
@of_project
@click.argument("model", shell_complete=summaries_here)
@json_option
def rebuild(project: Project, model: str, as_json: bool) -> None:
    """Compute every period of a summary table again, in place.

    Only rows that differ are written, and readers are never blocked. For a
    changed contract there is dbt's own --full-refresh, which makes a new table.

    \b
    Example:
      orchestrator rebuild kpi_daily
    """
    with connected(project) as connection, display.working("Rebuilding"):
        done = upkeep.rebuild(connection, model)
    if as_json:
        display.show_json(done)
    else:
        display.show_refresh(done)


@main.command()
@of_project
@click.argument("models", nargs=-1, shell_complete=summaries_here)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How many random periods of each table to look at.",
)
@click.option("--all", "everything", is_flag=True, help="Look at all periods.")
@click.option("--repair", is_flag=True, help="Compute anew what differs.")
@json_option
@click.pass_context
def audit(
    ctx: click.Context,
    project: Project,
    models: tuple[str, ...],
    sample: int,
    everything: bool,
    repair: bool,
    as_json: bool,
) -> None:
    """Hold summary tables against their sources.

    Refreshes each, computes a sample of its periods again and compares. What
    differs has drifted, and is recorded as an incident; the exit code is 1
    unless it was repaired.

    \b
    Examples:
      orchestrator audit
      orchestrator audit kpi_daily --all --repair
    """
    with connected(project) as connection, display.working("Auditing") as work:
        found = []
        for seen in upkeep.audit(
            connection, models, None if everything else sample, repair
        ):
            work.tell(seen.model)
            found.append(seen)
    if as_json:
        display.show_json(found)
    else:
        display.show_audits(found)
    if any(seen.rows_different and not seen.repaired for seen in found):
        ctx.exit(1)


@main.command()
@click.option("--scale", type=SCALE, help="How much data, about (1 unless made).")
@click.option("--seed", type=int, help="Which data (1 unless made).")
@click.option("--stop", is_flag=True, help="Stop the demo's server; its data stays.")
@click.option("--reset", is_flag=True, help="Delete the demo's server and all data.")
def demo(scale: float | None, seed: int | None, stop: bool, reset: bool) -> None:
    """Show all this at work, on a private server with made-up data.

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
@click.option(
    "--watch",
    "every",
    type=click.FloatRange(min=0.1),
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
    with documentation.site(port) if serve else nullcontext() as site:
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
    """Say what of a database will and will not do for this project.

    Looks at the server, the connection, the role's rights, settings, source tables
    and their indexes, pg_cron and replication, and says what to do about what is
    amiss. Changes nothing, and needs nothing built or installed. The exit code is 1
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


@main.command()
@of_project
@click.option("--dry-run", is_flag=True, help="Print the SQL, and run none of it.")
@json_option
def install(project: Project, dry_run: bool, as_json: bool) -> None:
    """Install what a refresh needs in the database, or bring it up to date.

    Queue, clock, functions and triggers, as every build does before it begins;
    the tables themselves come with the first 'orchestrator run'. With --dry-run
    it prints the SQL for review, and nothing where nothing is to be done.

    \b
    Examples:
      orchestrator install
      orchestrator install --dry-run
    """
    with display.working("Installing"):
        done = installation.install(project, dry_run=dry_run)
    if as_json:
        display.show_json(done)
    elif dry_run:
        for step in done:
            click.echo(f"-- {step.hook}\n{step.sql}\n")
    elif done:
        click.echo(f"Installed ({', '.join(step.hook for step in done)}).")
        click.echo("To build and refresh the tables: orchestrator run")
    else:
        click.echo("Everything is installed as the project has it.")


@main.command()
@of_project
@click.option("--drop-tables", is_flag=True, help="Drop the summary tables, too.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def uninstall(project: Project, drop_tables: bool, yes: bool, as_json: bool) -> None:
    """Remove what this project has made in the database.

    Triggers, functions, views, pg_cron's jobs and the schema orchestrator go.
    The summary tables stay as they are, readable by whom they were, unless
    --drop-tables is given. Source tables and other people's objects are not
    touched; where one of these needs what is to go, nothing is removed. Tables
    that stayed can be dropped later, after another 'orchestrator install'.

    \b
    Examples:
      orchestrator uninstall
      orchestrator uninstall --drop-tables --yes
    """
    with connected(project) as connection:
        tables = installation.tables(connection)
        if not yes:
            click.echo(
                display.uninstallation(connection, tables, drop_tables), err=True
            )
            click.confirm("Go on?", abort=True, err=True)
        done = installation.uninstall(connection, drop_tables=drop_tables)
    if as_json:
        display.show_json(done)
    else:
        display.show_removals(done)


@main.group()
@project_options
def cron() -> None:
    """Have pg_cron refresh the summary tables, with no Python running.

    \b
    Examples:
      orchestrator cron show
      orchestrator cron install
      orchestrator cron status
    """


@cron.command("install")
@of_project
@json_option
def install_cron(project: Project, as_json: bool) -> None:
    """Give pg_cron the jobs that the models name.

    Adds what is missing, changes what differs and removes what no model names
    any more; other people's jobs are not touched. The jobs run as the role that
    connects here.

    \b
    Example:
      orchestrator cron install
    """
    with connected(project) as connection:
        done = jobs.install(connection)
    if as_json:
        display.show_json(done)
    else:
        display.show_cron_changes(done, "pg_cron has the jobs that it should have.")


@cron.command("uninstall")
@of_project
@json_option
def uninstall_cron(project: Project, as_json: bool) -> None:
    """Remove our jobs from pg_cron, and nobody else's.

    \b
    Example:
      orchestrator cron uninstall
    """
    with connected(project) as connection:
        done = jobs.uninstall(connection)
    if as_json:
        display.show_json(done)
    else:
        display.show_cron_changes(done, "pg_cron has no jobs of ours.")


@cron.command("status")
@of_project
@json_option
@click.pass_context
def cron_status(ctx: click.Context, project: Project, as_json: bool) -> None:
    """Show the jobs of pg_cron and how each last went.

    The exit code is 1 where they are not those that the models name.

    \b
    Example:
      orchestrator cron status
    """
    with connected(project) as connection:
        found = jobs.status(connection)
    if as_json:
        display.show_json(found)
    else:
        display.show_cron_status(found)
    if any(job.state != "installed" for job in found):
        ctx.exit(1)


@cron.command("show")
@of_project
@json_option
def show_cron(project: Project, as_json: bool) -> None:
    """Print the SQL that makes the jobs, to review it or to run it yourself.

    It needs no pg_cron.

    \b
    Example:
      orchestrator cron show
    """
    with connected(project) as connection:
        wanted = jobs.wanted(connection)
    if as_json:
        display.show_json(wanted)
    else:
        display.show_cron_jobs(wanted)


@main.group()
@project_options
def access() -> None:
    """Compare who may read the summary tables with what the models declare.

    \b
    Examples:
      orchestrator access check
      orchestrator access apply
    """


@access.command()
@of_project
@json_option
@click.pass_context
def check(ctx: click.Context, project: Project, as_json: bool) -> None:
    """Say what differs from the declarations, and try to break in.

    Looks at policies, grants, functions and roles, then reads every table as each
    kind of client: anonymous, of another tenant, with forged claims, admin. Changes
    nothing; the exit code is 1 where anything is not as declared.

    \b
    Examples:
      orchestrator access check
      orchestrator access check --json
    """
    with (
        connected(project) as connection,
        display.working("Checking access") as work,
    ):
        found = guard.check(project, connection, work.tell)
    if as_json:
        display.show_json(found)
    else:
        display.show_findings(found)
        if any(finding.repair for finding in found):
            click.echo("To mend what can be: orchestrator access apply")
        if not found:
            click.echo("Access is as the models declare.")
    if found:
        ctx.exit(1)


@access.command()
@of_project
@json_option
def apply(project: Project, as_json: bool) -> None:
    """Make policies, grants and functions what the models declare.

    Every build does that for the tables it builds. What only an administrator can
    mend, such as another role's rights, is left for `orchestrator access check`.

    \b
    Example:
      orchestrator access apply
    """
    with (
        connected(project) as connection,
        display.working("Mending access"),
    ):
        mended = guard.apply(project, connection)
    if as_json:
        display.show_json(mended)
        return
    display.show_findings(mended)
    click.echo(
        f"{words.counted(len(mended), 'difference')} mended."
        if mended
        else "Nothing differed."
    )


if __name__ == "__main__":
    main()
