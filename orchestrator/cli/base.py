"""The command `orchestrator` itself, and the options that its commands share."""

import functools
import logging
import math
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click

from orchestrator import __version__, dbt
from orchestrator import webhook as webhooks
from orchestrator.errors import OrchestratorError
from orchestrator.project import Project

CONTEXT = {"help_option_names": ["-h", "--help"]}
INTERRUPTED = 130

Command = Callable[..., Any]


class Commands(click.Group):
    """Commands whose errors are one sentence each, and no traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; turn our errors into click's, with their exit code."""
        try:
            outcome = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise  # click ends quietly
        except OrchestratorError as error:
            failure = click.ClickException(str(error))
            failure.exit_code = error.exit_code  # type: ignore[misc]
            raise failure from error
        except OSError as error:
            _discard_output()
            said = f"{error.filename or 'The output'} cannot be written or read: "
            raise click.ClickException(f"{said}{error.strerror}.") from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        return outcome


def _discard_output() -> None:
    """Keep Python from complaining as it ends of what stdout did not take."""
    if sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Number(click.FloatRange):
    """A number of a range; `nan` and `inf` are none."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; fails as click's own does."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


def project_options(command: Command) -> Command:
    """Add dbt's options that say which project and connection are meant.

    They may stand before or after the name of a command; the latter wins.
    """

    def remember(ctx: click.Context, option: click.Parameter, value: object) -> None:
        settings = ctx.ensure_object(dict)
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise click.BadParameter("it is not UTF-8.") from error
        if value is not None:
            settings[option.name] = value

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
        names = dbt.known_summaries(Project(**ctx.find_object(dict) or {}))
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


day = click.DateTime(formats=["%Y-%m-%d"])


@click.group(cls=Commands, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="orchestrator")
@project_options
def main() -> None:
    """Keep the summary tables of a PostgreSQL database fresh.

    The tables are a dbt project's, and the connection is that of its profile:
    DBT_PROJECT_DIR and DBT_PROFILES_DIR are respected, as by dbt.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every terminal has ▲
    # What goes wrong with a connection is raised, too, and said once.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
