"""The commands by which everything comes to a database, and goes again."""

import click

from orchestrator import display, installation
from orchestrator.cli.base import Number, json_option, main, of_project
from orchestrator.database import connected
from orchestrator.errors import UsageError
from orchestrator.project import Project

SCALE = Number(min=0, min_open=True, max=1000)


@main.command()
@click.option("--scale", type=SCALE, help="How much data, about (1 unless made).")
@click.option(
    "--seed", type=click.IntRange(0, 2_147_483_647), help="Which data (1 unless made)."
)
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
    from kpi_demo import demo as shown
    from kpi_demo import picture

    if stop or reset:
        if (stop and reset) or scale is not None or seed is not None:
            raise UsageError("--stop and --reset stand alone.")
        click.echo(shown.reset() if reset else shown.stop())
        return
    picture.show(shown.run(scale, seed))


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
@click.argument("tables", nargs=-1, required=True, metavar="TABLE...")
@of_project
@json_option
def release(project: Project, tables: tuple[str, ...], as_json: bool) -> None:
    """Let go of source tables, so that the application may change them.

    Drops the triggers on a table and the foreign keys of summary tables that
    refer to it. Until 'orchestrator install' brings them back its changes go
    unnoticed, and an incident says so; then all that reads it is computed again.
    Columns that nothing refers to can be changed without it.

    \b
    Examples:
      orchestrator release shop.shops
    """
    with connected(project) as connection:
        done = [
            each for table in tables for each in installation.release(connection, table)
        ]
    if as_json:
        display.show_json(done)
        return
    for each in done:
        click.echo(f"Dropped the {each.kind} {each.name} of {each.of_table}.")
    click.echo("To bring them back when the tables are as they are to be:")
    click.echo("  orchestrator install && orchestrator run")


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
