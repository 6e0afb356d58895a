"""The commands that refresh summary tables, once or all the time."""

import signal
import time
from datetime import UTC, datetime, timedelta

import click

from orchestrator import display, refresh_runs, summaries, upkeep, web
from orchestrator import webhook as webhooks
from orchestrator import worker as worker_process
from orchestrator.cli.base import (
    INTERRUPTED,
    Number,
    day,
    json_option,
    main,
    of_project,
    summaries_here,
    webhook_option,
)
from orchestrator.database import connect, connected, plain_errors
from orchestrator.journal import Journal
from orchestrator.profiles import connection_profile
from orchestrator.project import Project


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
    refresh_them = refresh_runs.refresh_due if due else refresh_runs.refresh
    url = webhooks.check(webhook) if webhook else None
    profile = connection_profile(project)
    with (
        plain_errors(),
        connect(profile) as connection,
        display.working("Refreshing") as work,
    ):
        done = refresh_them(project, connection, criteria, cadence, work.listen)
        refresh_runs.watch(connection, url, profile.target)
    if as_json:
        display.show_json(done)
        display.show_failures(done)
    elif done:
        display.show_runs(done, timedelta(seconds=time.monotonic() - began))
    else:
        click.echo("Nothing to refresh.")
    if any(run.failed for run in done):
        ctx.exit(1)


@main.command()
@of_project
@click.option(
    "--poll-interval",
    type=Number(min=0.05, max=3600),
    default=1.0,
    show_default=True,
    help="Seconds between looks at what there is to do.",
)
@click.option(
    "--maintenance-at",
    type=click.DateTime(formats=["%H:%M"]),
    metavar="HH:MM",
    default=worker_process.MAINTENANCE_AT,
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
@click.option(
    "--http-token",
    "token",
    envvar="ORCHESTRATOR_HTTP_TOKEN",
    metavar="TOKEN",
    help="What who asks there must have; else ORCHESTRATOR_HTTP_TOKEN says so.",
)
@click.pass_context
def worker(
    ctx: click.Context,
    project: Project,
    poll_interval: float,
    maintenance_at: datetime,
    webhook: str | None,
    log_format: str,
    address: str | None,
    token: str | None,
) -> None:
    """Keep summary tables fresh, until it is stopped.

    Refreshes what is due and what is asked for, within seconds, and tests the
    rows that change. Several workers share the work. Begins with a run of the
    whole project, and does so again when its files change. Posts incidents to
    the webhook, audits a sample of each table at night.

    SIGTERM or SIGINT ends it when the transactions under way have ended; a second
    one undoes them.

    \b
    Examples:
      orchestrator worker
      orchestrator worker --poll-interval 5 --log-format json
      orchestrator worker --http :9090
    """
    stopped_by = worker_process.Worker(
        project,
        Journal(as_json=log_format == "json"),
        poll_interval=poll_interval,
        webhook_url=webhook,
        maintenance_at=f"{maintenance_at:%H:%M}",
        http=web.Address.parse(address) if address else None,
        http_token=web.check_token(token) if token else None,
    ).work()
    if stopped_by == signal.SIGINT:
        ctx.exit(INTERRUPTED)


@main.command()
@of_project
@click.argument("model", shell_complete=summaries_here)
@click.option("--tenant", help="Only this tenant's periods.")
@click.option("--from", "first", type=day, help="From this local day on.")
@click.option("--to", "last", type=day, help="Up to this local day.")
@json_option
@click.pass_context
def refresh(
    ctx: click.Context,
    project: Project,
    model: str,
    tenant: str | None,
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
      orchestrator refresh orders_daily
      orchestrator refresh orders_daily --from 2026-01-01 --to 2026-01-31
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
@click.option("--tenant", help="Only this tenant's periods.")
@json_option
def backfill(
    project: Project,
    model: str,
    first: datetime,
    last: datetime | None,
    tenant: str | None,
    as_json: bool,
) -> None:
    """Compute days of a summary table again, and of those that read it.

    It works in slices, each a transaction: readers are never blocked, and what
    was interrupted goes on where it was when the same is asked for again.

    \b
    Examples:
      orchestrator backfill orders_daily --from 2025-01-01
      orchestrator backfill returns_daily --from 2026-01-01 --to 2026-03-31
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
      orchestrator rebuild orders_daily
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
    type=click.IntRange(min=1, max=2_147_483_647),
    default=200,
    show_default=True,
    help="How many random periods of each table to look at.",
)
@click.option("--all", "everything", is_flag=True, help="Look at all periods.")
@click.option("--repair", is_flag=True, help="Compute again what differs.")
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
    """Compare summary tables with their sources.

    Refreshes each, computes a sample of its periods again and compares. What
    differs has drifted, and is recorded as an incident; the exit code is 1
    unless it was repaired.

    \b
    Examples:
      orchestrator audit
      orchestrator audit orders_daily --all --repair
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
