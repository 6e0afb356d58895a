"""dbt, called in this process: what it declares, selects, runs and says.

dbt takes seconds to import, so that happens in the functions that need it. Its
runner returns its failures, a Ctrl-C among them; here they are raised.
"""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.project import PROFILES_FILE, Project

if TYPE_CHECKING:
    from dbt.artifacts.schemas.results import BaseResult
    from dbt.config.profile import Profile
    from dbt_common.events.base_types import EventMsg

Listener = Callable[["EventMsg"], None]

# The materialization and strategy that make a model a summary table.
SUMMARY = ("incremental", "period_upsert")


class DbtError(OrchestratorError):
    """dbt could not do what it was asked to."""


@dataclass(frozen=True)
class Model:
    """A model as the project declares it; `relation` is None for an ephemeral one."""

    unique_id: str
    name: str
    relation: str | None
    parents: tuple[str, ...]
    is_summary: bool
    every: str | None


@dataclass(frozen=True)
class Result:
    """What became of a node; `kind` is model, test, unit_test or operation."""

    name: str
    kind: str
    status: str
    message: str

    @property
    def failed(self) -> bool:
        """Whether it was tried and is not as it should be."""
        return self.status in ("error", "fail", "runtime error")


@dataclass(frozen=True)
class Execution:
    """A run of dbt over nodes; `invocation` is what dbt calls it."""

    invocation: str
    results: tuple[Result, ...]


@dataclass(frozen=True)
class ConnectionProfile:
    """The connection that dbt would use, and where it is written."""

    credentials: Any
    target: str
    path: Path


def models(project: Project) -> dict[str, Model]:
    """Return the project's enabled models by their unique ids."""
    keys = ("unique_id", "name", "config", "depends_on", "relation_name")
    listed = _list(project, "--resource-type", "model", "--output-keys", *keys)
    found = [_model(node) for node in listed]
    return {model.unique_id: model for model in found}


def select(project: Project, criteria: Sequence[str]) -> tuple[set[str], list[str]]:
    """Return the ids of the models selected, and the criteria that match nothing."""
    unmatched: list[str] = []

    def listen(event: "EventMsg") -> None:
        if event.info.name == "NoNodesForSelectionCriteria":
            unmatched.append(event.data.spec_raw)

    options = ("--resource-type", "model", "--output-keys", "unique_id")
    listed = _list(project, "--select", *criteria, *options, listener=listen)
    return {node["unique_id"] for node in listed}, unmatched


def source_names(project: Project) -> set[str]:
    """Return the names of the sources that have an enabled table."""
    options = ("--resource-type", "source", "--output-keys", "source_name")
    return {node["source_name"] for node in _list(project, *options)}


def execute(
    project: Project,
    command: str,
    names: Sequence[str] = (),
    listener: Listener | None = None,
) -> Execution:
    """Run `dbt run` or `dbt build` of the named nodes, or all, and return all results.

    Raises DbtError where dbt could not begin or a hook of the project failed.
    """
    selection = ["--select", *names] if names else []
    outcome = _invoke(project, command, *selection, listener=listener)

    from dbt_common.invocation import get_invocation_id

    results = tuple(_result(result) for result in outcome.results)
    for result in results:
        if result.kind == "operation" and result.failed:
            raise DbtError(result.message)
    return Execution(get_invocation_id(), results)


def connection_profile(project: Project) -> ConnectionProfile:
    """Return the connection that the project's profile names.

    Raises UsageError for options that dbt refuses, DbtError for a profile that is
    missing or not complete.
    """
    import click
    from dbt.cli.flags import Flags
    from dbt.cli.main import run
    from dbt.config.runtime import load_profile
    from dbt.exceptions import DbtProfileError, EnvVarMissingError
    from dbt.flags import set_flags
    from dbt_common.context import set_invocation_context
    from dbt_common.events.event_manager_client import cleanup_event_logger
    from dbt_common.exceptions import DbtBaseException

    cleanup_event_logger()  # before its first command, dbt logs to stdout
    set_invocation_context(dict(os.environ))
    path = Path(PROFILES_FILE)
    try:
        flags = Flags(run.make_context("run", project.options()))
        set_flags(flags)
        path = Path(str(flags.PROFILES_DIR), PROFILES_FILE)
        profile = load_profile(
            str(flags.PROJECT_DIR), flags.VARS, flags.PROFILE, flags.TARGET
        )
    except click.UsageError as error:
        raise UsageError(error.format_message()) from error
    except (DbtProfileError, EnvVarMissingError) as error:
        raise DbtError(f"{plain(str(error))} ({path})") from error
    except DbtBaseException as error:
        raise DbtError(f"{plain(str(error))}{_where_looked(error, path)}") from error
    _refuse_unset_password(profile, path)
    return ConnectionProfile(profile.credentials, profile.target_name, path)


def plain(message: str) -> str:
    """Return what dbt says without its heading and its list of macros.

    Where a file is to be mended and not a hook, the heading's path is kept.
    """
    place = ""
    kept = []
    for line in (line.strip() for line in message.splitlines()):
        if heading := _HEADING.fullmatch(line):
            place = heading["path"] or place
        elif line and not _NOISE.match(line):
            kept.append(line)
    return " ".join(kept) + (f" ({place})" if place else "")


_HEADING = re.compile(
    r"(?:[A-Z]\w+ Error|\S+\.on-run-\w+\.\d+ failed, error:)"
    r"(?: in (?:operation .*|\w+ \S+ \((?P<path>[^)]*)\).*|.*))?"
)
_NOISE = re.compile(
    r"> in |> called by |compiled code at |\^+$|-+$|\d+ +\||Raw Error:$"
)


def _list(
    project: Project, *arguments: str, listener: Listener | None = None
) -> list[dict[str, Any]]:
    lines = _invoke(project, "ls", "--output", "json", *arguments, listener=listener)
    return [json.loads(line) for line in lines]


def _invoke(project: Project, *arguments: str, listener: Listener | None = None) -> Any:  # noqa: ANN401 - what it is depends on the command
    from dbt.cli.exceptions import DbtUsageException
    from dbt.cli.main import dbtRunner
    from dbt.exceptions import InvalidSelectorError

    # The terminal is ours; dbt's log file is as dbt would have it. Writing the
    # manifest would take longer than a small refresh.
    file_level = os.environ.get("DBT_LOG_LEVEL_FILE", "debug")
    quiet = ("--log-level", "none", "--log-level-file", file_level, "--no-write-json")
    runner = dbtRunner(callbacks=[listener] if listener else [])
    outcome = runner.invoke([*quiet, *arguments, *project.options()])
    if isinstance(outcome.exception, KeyboardInterrupt | SystemExit):
        raise outcome.exception
    if isinstance(outcome.exception, DbtUsageException | InvalidSelectorError):
        raise UsageError(plain(str(outcome.exception))) from outcome.exception
    if outcome.exception is not None:
        raise DbtError(plain(str(outcome.exception))) from outcome.exception
    return outcome.result


def _model(node: dict[str, Any]) -> Model:
    config = node["config"]
    cadence = (config.get("meta") or {}).get("cadence")
    return Model(
        unique_id=node["unique_id"],
        name=node["name"],
        relation=node["relation_name"],
        parents=tuple(node["depends_on"]["nodes"]),
        is_summary=(config["materialized"], config["incremental_strategy"]) == SUMMARY,
        every=cadence.get("every") if isinstance(cadence, dict) else None,
    )


def _result(result: "BaseResult") -> Result:
    return Result(
        name=result.node.name,
        kind=str(result.node.resource_type),
        status=str(result.status),
        message=plain(result.message or ""),
    )


def _where_looked(error: Exception, path: Path) -> str:
    if "Could not find profile" not in str(error):
        return ""
    return f" in {path}" if path.exists() else f": there is no {path}."


def _refuse_unset_password(profile: "Profile", path: Path) -> None:
    """Say what dbt does not: it takes the placeholder itself for the password."""
    password = str(getattr(profile.credentials, "password", ""))
    if unset := re.search(r"""\{\{.*env_var\(\s*['"](\w+)['"]""", password):
        raise DbtError(
            f"The password in {path} needs the environment variable {unset[1]}: set it."
        )
