"""The commands that leave summary tables as they are, and take them up again."""

from datetime import UTC, datetime

import click

from orchestrator import display, pauses
from orchestrator.cli.base import json_option, main, of_project, summaries_here
from orchestrator.database import connected
from orchestrator.errors import UsageError
from orchestrator.project import Project

models_argument = click.argument("models", nargs=-1, shell_complete=summaries_here)
select_option = click.option(
    *("-s", "--select", "criteria"),
    multiple=True,
    metavar="SELECTOR",
    help="What dbt selects by this, such as a folder of models; may be given again.",
)


@main.command()
@of_project
@models_argument
@select_option
@click.option("--all", "everything", is_flag=True, help="Every summary table.")
@click.option("--reason", required=True, help="Why, for those who wonder.")
@click.option("--for", "length", metavar="LENGTH", help="'30 minutes', '2 hours', …")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]),
    help="A moment, in UTC.",
)
@json_option
def pause(
    project: Project,
    models: tuple[str, ...],
    criteria: tuple[str, ...],
    everything: bool,
    reason: str,
    length: str | None,
    until: datetime | None,
    as_json: bool,
) -> None:
    """Leave summary tables as they are for a while.

    No worker, job of pg_cron, function or dbt run refreshes them until the pause
    ends; what is requested of them waits. A second pause of a table takes the place
    of the first.

    \b
    Examples:
      orchestrator pause orders_daily --for "2 hours" --reason "import under way"
      orchestrator pause --all --until 2031-01-01T06:00 --reason "new server"
    """
    names = _names(project, models, criteria, everything)
    with connected(project) as connection:
        left = pauses.pause(
            connection,
            names,
            reason,
            until=until and until.replace(tzinfo=UTC),
            length=length,
        )
    _show(left, as_json)


@main.command()
@of_project
@models_argument
@select_option
@click.option("--all", "everything", is_flag=True, help="Every pause.")
@json_option
def resume(
    project: Project,
    models: tuple[str, ...],
    criteria: tuple[str, ...],
    everything: bool,
    as_json: bool,
) -> None:
    """End pauses of summary tables.

    What was requested meanwhile is refreshed as if it had just been requested.

    \b
    Examples:
      orchestrator resume --all
      orchestrator resume orders_daily
    """
    names = _names(project, models, criteria, everything)
    with connected(project) as connection:
        left = pauses.resume(connection, names)
    _show(left, as_json)


def _names(
    project: Project,
    models: tuple[str, ...],
    criteria: tuple[str, ...],
    everything: bool,
) -> list[str]:
    """Return the tables that are meant, none where all are."""
    if everything == bool(models or criteria):
        raise UsageError("Name summary tables, or --select some, or say --all.")
    names = list(models)
    if criteria:
        from orchestrator.dbt import LoadedProject
        from orchestrator.selection import choose

        names += [model.name for model in choose(LoadedProject(project), criteria)]
    return names


def _show(left: list[pauses.Pause], as_json: bool) -> None:
    if as_json:
        display.show_json(left)
    else:
        display.show_pauses(left)
