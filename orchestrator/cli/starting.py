"""The commands that write a project, and its first summary tables."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator import dbt
from orchestrator.cli.base import main, of_project
from orchestrator.database import connected
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.profiles import connection_profile
from orchestrator.project import Project

# What writes projects takes a while to import, which no other command is to wait for.
if TYPE_CHECKING:
    from orchestrator.scaffold.catalog import Catalog
    from orchestrator.scaffold.plan import Choices, Plan

READERS = ("members", "admins", "authenticated")


def chosen_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a summary is made of."""
    options = [
        click.option("--domain", help="The folder of models, by default the schema."),
        click.option(
            "--tenants",
            metavar="TABLE",
            help="The table of the tenants, whose rows the others are; or none.",
        ),
        click.option(
            "--timezone",
            metavar="ZONE",
            help="The time zone of days: a column of the tenants, or a name.",
        ),
        click.option(
            "--time", metavar="COLUMN", help="When a row of the table happened."
        ),
        click.option(
            "--readers",
            type=click.Choice(READERS),
            help="Who may read the summaries.",
        ),
        click.option(
            "--members",
            metavar="TABLE",
            help="The table that says which user belongs to which tenant.",
        ),
        click.option("--yes", is_flag=True, help="Take what is proposed; do not ask."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--table", "tables", multiple=True, help="A table to summarize; may be repeated."
)
@click.option("--profile", help="A profile of yours, instead of one made here.")
@click.option("--target", help="The target of an existing project that is production.")
@chosen_options
def init(
    folder: Path,
    tables: tuple[str, ...],
    profile: str | None,
    target: str | None,
    yes: bool,
    **choices: str | None,
) -> None:
    """Begin a dbt project of summary tables, or add to the one that is here.

    In an empty folder it writes a whole project; in an existing one what is missing,
    and it changes nothing else. It looks at the database (PGHOST, PGUSER,
    PGPASSWORD, PGDATABASE, or the profile's), and proposes which tables to summarize,
    whose their rows are and when they were. Run again, it brings the engine up to
    date.

    \b
    Examples:
      orchestrator init shop
      orchestrator init --table orders --tenants shops --yes
    """
    from orchestrator.scaffold import write
    from orchestrator.scaffold.plan import Choices, domains

    folder.mkdir(parents=True, exist_ok=True)
    is_new = not (folder / "dbt_project.yml").is_file()
    profiles = folder if is_new and not profile else None
    project = Project(folder, profiles, profile, target)
    production = None if is_new else _production(project)
    _say_written(write.begin(folder, profile, production))
    if is_new:
        dbt.install_packages(project)
    known = domains(folder)
    if known and not tables:
        click.echo(f"The domains are {', '.join(known)}: orchestrator add TABLE")
        return
    try:
        _add(folder, project, tables, Choices(**choices), yes)
    except UsageError:
        raise
    except OrchestratorError as error:
        raise UsageError(
            "The project is begun, but no table was looked at: "
            f"{str(error).rstrip('.')}. When that is put right: orchestrator init "
            f"{folder}"
        ) from error
    _say_next(folder, is_new)


@main.command()
@click.argument("tables", nargs=-1, required=True)
@of_project
@chosen_options
def add(
    project: Project, tables: tuple[str, ...], yes: bool, **choices: str | None
) -> None:
    """Add a daily summary of each table, with its source and its tests.

    The table's rows are of the tenants that the domain has. What it writes is yours
    to edit: figures, grain and cadence.

    \b
    Examples:
      orchestrator add returns
      orchestrator add billing.charges --tenants billing.accounts --time created_at
    """
    from orchestrator.scaffold.plan import Choices

    folder = project.folder()
    _add(folder, project, tables, Choices(**choices), yes)
    _say_next(folder, is_new=True)


def _production(project: Project) -> str | None:
    """Return the target to publish from, unless its schema says so already."""
    profile = connection_profile(project)
    if profile.credentials.schema == "analytics":
        return None
    return profile.target


def _add(
    folder: Path,
    project: Project,
    tables: tuple[str, ...],
    choices: "Choices",
    yes: bool,
) -> None:
    from orchestrator.scaffold import plan as planning
    from orchestrator.scaffold import write
    from orchestrator.scaffold.catalog import Catalog

    asks = not yes and click.get_text_stream("stdin").isatty()
    with connected(project) as connection:
        catalog = Catalog.of(connection)
        if not tables:
            tables = _choose_tables(catalog, asks)
        plan = planning.plan(folder, connection, catalog, tables, choices)
        if asks:
            plan = _ask(
                lambda chosen: planning.plan(
                    folder, connection, catalog, tables, chosen
                ),
                plan,
                choices,
            )
    _say_plan(plan)
    _say_written(write.add(folder, plan))


def _choose_tables(catalog: "Catalog", asks: bool) -> tuple[str, ...]:
    facts = catalog.facts()
    if not facts:
        raise UsageError(
            "The database has no table with a date or a timestamp that could be "
            "summarized: name one with --table."
        )
    if not asks:
        return (facts[0].title,)
    click.echo("Tables whose rows have a time:")
    for table in facts:
        click.echo(f"  {table.title}, about {table.row_estimate:,} rows")
    named = click.prompt("Which to summarize (names with commas)", facts[0].title)
    return tuple(name.strip() for name in named.split(",") if name.strip())


def _ask(
    replan: Callable[["Choices"], "Plan"], plan: "Plan", choices: "Choices"
) -> "Plan":
    """Ask what is not chosen yet, with what is proposed as the answer."""
    from orchestrator.scaffold.plan import Choices

    answers = dict(vars(choices))

    def ask(name: str, question: str, proposed: str) -> None:
        if answers[name] is None:
            answers[name] = click.prompt(question, proposed)

    tenants = plan.tenants
    ask(
        "tenants",
        "The table of the tenants, or none",
        tenants.table.title if tenants else "none",
    )
    if len(plan.facts) == 1:
        ask("time", "When a row happened", plan.facts[0][1].name)
    plan = replan(Choices(**answers))
    if plan.tenants:
        ask(
            "timezone",
            "The time zone of days, a column or a name",
            plan.tenants.timezone.strip("'\""),
        )
    else:
        ask("timezone", "The time zone of days", plan.timezone)
    if answers["readers"] is None:
        answers["readers"] = click.prompt(
            "Who may read the summaries",
            plan.readers,
            type=click.Choice(READERS),
        )
    if answers["readers"] == "members" and plan.members:
        ask(
            "members", "The table that says who belongs where", plan.members.table.title
        )
    return replan(Choices(**answers))


def _say_plan(plan: "Plan") -> None:
    tenants, members = plan.tenants, plan.members
    for table, time in plan.facts:
        click.echo(f"{table.title}, by {time.name}")
    if tenants:
        click.echo(
            f"  of each row of {tenants.table.title} ({tenants.column}), whose days "
            f"are of the time zone {tenants.timezone}"
        )
    else:
        click.echo(f"  of nobody in particular, by days of {plan.timezone}")
    click.echo(
        f"  read by the members that {members.table.title} has, by {members.user}"
        if members
        else f"  read by {plan.readers}"
    )


def _say_written(paths: list[str]) -> None:
    for path in paths:
        click.echo(f"  {path}")


def _say_next(folder: Path, is_new: bool) -> None:
    go = "" if folder.resolve() == Path.cwd() else f"cd {folder}\n  "
    deps = "" if is_new else "dbt deps\n  "
    click.echo(
        f"\nNext, after a look at what was written:\n  {go}{deps}dbt build\n"
        "  orchestrator worker    # keep them fresh; or: orchestrator cron install"
    )
