"""The commands that have pg_cron refresh."""

import click

from orchestrator import cron as jobs
from orchestrator import display
from orchestrator.cli.base import json_option, main, of_project, project_options
from orchestrator.database import connected
from orchestrator.project import Project


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
