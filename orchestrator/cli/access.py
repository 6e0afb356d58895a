"""The commands that look after who reads what."""

import click

from orchestrator import access as guard
from orchestrator import display, words
from orchestrator.cli.base import json_option, main, of_project, project_options
from orchestrator.database import connected
from orchestrator.project import Project


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
            click.echo("To fix what can be: orchestrator access apply")
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
    repair, such as another role's rights, is left for `orchestrator access check`.

    \b
    Example:
      orchestrator access apply
    """
    with (
        connected(project) as connection,
        display.working("Applying access"),
    ):
        repaired = guard.apply(project, connection)
    if as_json:
        display.show_json(repaired)
        return
    display.show_findings(repaired)
    click.echo(
        f"{words.pluralize(len(repaired), 'difference')} repaired."
        if repaired
        else "Nothing differed."
    )


@access.command()
@click.argument("role")
@of_project
def monitor(project: Project, role: str) -> None:
    """Let a role see how the summary tables stand, and no row of any tenant's.

    For Grafana and the like: the states, runs, incidents and notices of the schema
    orchestrator. What else the role may select there is taken back, such as the views
    of source tables.

    \b
    Example:
      orchestrator access monitor grafana
    """
    with connected(project) as connection:
        guard.let_monitor(connection, role)
    click.echo(f"{role} sees how the summary tables stand, and nothing of their rows.")
