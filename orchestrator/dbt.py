"""dbt, called in this process: what it declares, selects, runs and says.

dbt takes seconds to import, so that happens in the functions that need it. Its
runner returns its failures, a Ctrl-C among them; here they are raised.
"""

import gc
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import (
    READ_ONLY,
    TAKES_NO_CHANGES,
    OrchestratorError,
    UsageError,
)
from orchestrator.profiles import ConnectionProfile, Credentials
from orchestrator.project import PROFILES_FILE, Project

if TYPE_CHECKING:
    from dbt.config.profile import Profile
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.events.base_types import EventMsg

Listener = Callable[["EventMsg"], None]

# The materialization and strategy that make a model a summary table.
SUMMARY = ("incremental", "period_upsert")


# Tells the engine's generic tests that only what a run changed is to be tested.
# dbt shows variables of this prefix to macros and parses nothing again for them.
TESTS = "DBT_ENV_CUSTOM_ENV_TESTS"
OF_CHANGES = "of changes"


class DbtError(OrchestratorError):
    """dbt could not do what it was asked to."""


class NotNowError(Exception):
    """Raised by a listener as a node begins, to have dbt leave it out."""


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
    """What became of a node; `kind` is model, test, unit_test or operation.

    `model` is the one that it is, or is a test of.
    """

    name: str
    kind: str
    status: str
    message: str
    model: str

    @property
    def failed(self) -> bool:
        """Whether it was tried and is not as it should be."""
        return self.status in ("error", "fail", "runtime error")


@dataclass(frozen=True)
class Execution:
    """A run of dbt over nodes; `invocation` is what dbt calls it."""

    invocation: str
    results: tuple[Result, ...]


class LoadedProject:
    """The project as dbt has read it once, for runs that need not read it again.

    dbt writes on the nodes that it runs, and trips over what it wrote the next
    time (the target of a foreign key, compiled already). So it is lent copies.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._files = project.files()
        self.checksum = project.checksum()
        self._manifest: Manifest = _invoke(project, "parse")

    def settle(self) -> None:
        """Prepare for many runs: Python need not look for garbage in what stays.

        To go through all that dbt has read takes half as long as a run.
        """
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def summaries(self) -> list[Model]:
        """Return the summary tables that the project declares."""
        return [model for model in self.models().values() if model.is_summary]

    def is_outdated(self) -> bool:
        """Whether the project was edited since."""
        return self._project.files() != self._files

    def models(self) -> dict[str, Model]:
        """Return the project's enabled models by their unique ids."""
        return {
            name: _model(node)
            for name, node in self._nodes.items()
            if node.resource_type == "model"
        }

    def select(self, criteria: Sequence[str]) -> tuple[set[str], list[str]]:
        """Return the ids of the models selected, and the criteria that match none."""
        unmatched: list[str] = []

        def listen(event: "EventMsg") -> None:
            if event.info.name == "NoNodesForSelectionCriteria":
                unmatched.append(event.data.spec_raw)

        options = ("--resource-type", "model", "--output", "json")
        lines = _invoke(
            self._project,
            *("ls", "--select", *criteria, *options, "--output-keys", "unique_id"),
            listener=listen,
            manifest=self._manifest,
        )
        return {json.loads(line)["unique_id"] for line in lines}, unmatched

    def run(self, names: Sequence[str], listener: Listener | None = None) -> Execution:
        """Build the named models, and bring into the database what all share.

        What is left out by NotNowError, and what may be raised: see build().
        """
        return self._execute(set(names), ("run", "--select", *names), listener)

    def build(
        self,
        names: Sequence[str],
        listener: Listener | None = None,
        *,
        installs: bool = True,
    ) -> Execution:
        """Build the named models, and test the rows that this changes.

        Singular tests are left out: each reads whole tables. Without `installs`,
        so is what run() brings into the database, for one that has it. A listener
        may raise NotNowError as a node begins: what is left out is not among the
        results. Raises DbtError where dbt could not begin or a hook failed.
        """
        arguments = (
            "build",
            *("--select", *names),
            # Not the tests of other models, which only read one of these.
            *("--indirect-selection", "buildable"),
            # What there is of the other schemas is not asked for.
            "--cache-selected-only",
        )
        with _tests_of_changes():
            return self._execute(set(names), arguments, listener, installs=installs)

    def test(self, names: Sequence[str], since: datetime) -> Execution:
        """Test the rows of the named models that the database has changed since then.

        Raises DbtError where dbt could not begin.
        """
        arguments = ("test", "--select", *names, "--indirect-selection", "buildable")
        with _tests_of_changes(since):
            return self._execute(set(names), arguments, None, installs=False)

    def _execute(
        self,
        names: set[str],
        arguments: Sequence[str],
        listener: Listener | None,
        *,
        installs: bool = True,
    ) -> Execution:
        left_out: list[str] = []

        def listen(event: "EventMsg") -> None:
            if listener is None:
                return
            try:
                listener(event)
            except NotNowError:
                left_out.append(event.data.node_info.node_name)
                raise

        outcome = _invoke(
            self._project,
            *arguments,
            listener=listen,
            manifest=self._lent(names, installs=installs),
        )
        return _execution(outcome, left_out)

    @property
    def _nodes(self) -> Mapping[str, Any]:
        """The manifest's nodes, which are of many kinds."""
        return self._manifest.nodes

    def _lent(self, names: set[str], *, installs: bool) -> "Manifest":
        """Return a manifest of copies for one run of these models.

        It has nothing that they do not read: in each run, dbt goes several times
        through all that there is.
        """
        nodes = {
            key: node
            for key, node in self._nodes.items()
            if installs or "on-run-start" not in node.tags
        }
        return replace(
            self._manifest,
            nodes=deepcopy(_needed(nodes, names)),
            exposures={},
            unit_tests={},
        )


def _needed(nodes: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """Return the hooks, the named models, their generic tests, and what these read."""
    models = {
        key
        for key, node in nodes.items()
        if node.resource_type == "model" and node.name in names
    }
    pending = [
        key
        for key, node in nodes.items()
        if key in models
        or node.resource_type == "operation"
        or (hasattr(node, "test_metadata") and models & set(node.depends_on.nodes))
    ]
    needed: dict[str, Any] = {}
    while pending:
        key = pending.pop()
        if key in nodes and key not in needed:
            needed[key] = nodes[key]
            pending += nodes[key].depends_on.nodes
    return needed


def build(project: Project, listener: Listener | None = None) -> Execution:
    """Build the whole project and test its rows; return all results.

    Unit tests, of rows they bring along, are left out: they say nothing of these.
    Raises DbtError where dbt could not begin or a hook of the project failed.
    """
    call = ("build", "--exclude-resource-type", "unit_test")
    return _execution(_invoke(project, *call, listener=listener))


def document(project: Project) -> Path:
    """Have dbt write its docs site with all in one file; return where that is.

    Raises DbtError where it cannot, as without the database.
    """
    written: list[Path] = []

    def listen(event: "EventMsg") -> None:
        if event.info.name == "ArtifactWritten":
            written.append(Path(event.data.artifact_path))

    catalog = _invoke(project, "docs", "generate", "--static", listener=listen)
    failures = [
        result.message
        for result in catalog._compile_results or ()
        if result.status == "error"
    ] + (catalog.errors or [])
    if failures:
        raise DbtError(plain(failures[0]))
    return written[-1].with_name("static_index.html")


def operate(project: Project, macro: str, **arguments: object) -> list[str]:
    """Run `dbt run-operation` and return what the macro logged.

    Raises DbtError where it failed.
    """
    lines: list[str] = []
    failures: list[str] = []

    def listen(event: "EventMsg") -> None:
        if event.info.name.startswith("JinjaLog"):
            lines.append(event.data.msg)
        elif event.info.name.startswith("RunningOperation"):
            failures.append(plain(event.data.exc))

    call = ("run-operation", macro, "--args", json.dumps(arguments))
    _invoke(project, *call, listener=listen)
    if failures:
        raise DbtError(failures[0])
    return lines


def known_summaries(project: Project) -> list[str]:
    """Return the summary tables of the project as dbt last read it; maybe none.

    Raises UsageError where there is no project.
    """
    try:
        manifest = json.loads((project.target_folder() / "manifest.json").read_text())
    except (OSError, ValueError):
        return []
    return [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and (
            node["config"].get("materialized"),
            node["config"].get("incremental_strategy"),
        )
        == SUMMARY
    ]


def install_packages(project: Project) -> None:
    """Have dbt install the packages of a project; raises DbtError where it cannot."""
    _invoke(project, "deps")


def connection_profile(project: Project) -> ConnectionProfile:
    """Return the connection that the project's profile names, as dbt reads it.

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
        set_flags(flags)  # type: ignore[no-untyped-call]
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
    return ConnectionProfile(_credentials(profile, path), profile.target_name, path)


def plain(message: str) -> str:
    """Return what dbt says without its heading, its macros and PostgreSQL's context.

    Where a file is to be repaired and not a hook, the heading's path is kept.
    """
    if READ_ONLY.search(message):
        return TAKES_NO_CHANGES
    if not_iterable := _NOT_A_LIST.search(message):
        return (
            f"A var is a {not_iterable['type']}, and the project wants a list of it: "
            "look at --vars and at vars in dbt_project.yml."
        )
    place = ""
    kept = []
    said, _, _ = message.partition("CONTEXT:")
    for line in (line.strip() for line in said.splitlines()):
        if heading := _HEADING.fullmatch(line):
            place = heading["path"] or place
        elif line and not _NOISE.match(line):
            kept.append(line)
    return " ".join(kept) + (f" ({place})" if place else "")


_NOT_A_LIST = re.compile(r"argument of type '(?P<type>\w+)' is not iterable")
_HEADING = re.compile(
    r"(?:[A-Z]\w+ Error|\S+\.on-run-\w+\.\d+ failed, error:)"
    r"(?: in (?:operation .*|\w+ \S+ \((?P<path>[^)]*)\).*|.*))?"
)
_NOISE = re.compile(
    r"> in |> called by |compiled code at |\^+$|-+$|\d+ +\||Raw Error:$"
)


def _invoke(
    project: Project,
    *arguments: str,
    listener: Listener | None = None,
    manifest: "Manifest | None" = None,
) -> Any:  # noqa: ANN401 - what it is depends on the command
    from dbt.cli.exceptions import DbtUsageException
    from dbt.cli.main import dbtRunner
    from dbt.exceptions import InvalidSelectorError

    _forget_flags()
    # The terminal is ours; dbt's log file is as dbt would have it, but where one
    # small run follows the other. To write the manifest takes longer than these.
    usual_level = "info" if manifest else "debug"
    file_level = os.environ.get("DBT_LOG_LEVEL_FILE", usual_level)
    quiet = ("--log-level", "none", "--log-level-file", file_level, "--no-write-json")
    runner = dbtRunner(manifest, callbacks=[listener] if listener else [])
    outcome = runner.invoke([*quiet, *arguments, *project.options()])
    if isinstance(outcome.exception, KeyboardInterrupt | SystemExit):
        raise outcome.exception
    if isinstance(outcome.exception, DbtUsageException | InvalidSelectorError):
        raise UsageError(plain(str(outcome.exception))) from outcome.exception
    if outcome.exception is not None:
        raise DbtError(plain(str(outcome.exception))) from outcome.exception
    return outcome.result


def _forget_flags() -> None:
    """Take back what each run of dbt adds to a list of its own, and reads next time.

    A worker's runs would take longer and longer: for each of these flags, dbt looks
    through the sources of all its callers for the name of the one that has it.
    """
    from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS as FLAGS

    FLAGS[:] = {flag["name"]: flag for flag in FLAGS}.values()


def _execution(outcome: Any, left_out: Sequence[str] = ()) -> Execution:  # noqa: ANN401
    from dbt_common.invocation import get_invocation_id

    results = [_result(result) for result in outcome.results]
    for result in results:
        if result.kind == "operation" and result.failed:
            raise DbtError(result.message)
    if left_out:
        # dbt skips what reads a node that was left out.
        results = [
            result
            for result in results
            if result.name not in left_out and result.status != "skipped"
        ]
    return Execution(get_invocation_id(), tuple(results))


@contextmanager
def _tests_of_changes(since: datetime | None = None) -> Iterator[None]:
    """Have the generic tests look at changed rows alone, for the length of a block.

    Those that the run changes, or that the database has changed since a moment.
    """
    from dbt_common.events.functions import reset_metadata_vars

    os.environ[TESTS] = OF_CHANGES
    if since is not None:
        os.environ[TESTS] += f" since {since.isoformat()}"
    reset_metadata_vars()
    try:
        yield
    finally:
        del os.environ[TESTS]
        reset_metadata_vars()


def _model(node: Any) -> Model:  # noqa: ANN401 - a node of dbt's manifest
    cadence = node.config.meta.get("cadence")
    return Model(
        unique_id=node.unique_id,
        name=node.name,
        relation=node.relation_name,
        parents=tuple(node.depends_on.nodes),
        is_summary=(node.config.materialized, node.config.incremental_strategy)
        == SUMMARY,
        every=cadence.get("every") if isinstance(cadence, dict) else None,
    )


def _result(result: Any) -> Result:  # noqa: ANN401 - there are many kinds
    tested = getattr(result.node, "attached_node", None)
    message = result.message or ""
    if str(result.status) == "fail":
        message = f"{result.failures} wrong {'row' if result.failures == 1 else 'rows'}"
    return Result(
        name=result.node.name,
        kind=str(result.node.resource_type),
        status=str(result.status),
        message=plain(message),
        model=tested.rpartition(".")[2] if tested else result.node.name,
    )


def _where_looked(error: Exception, path: Path) -> str:
    if "Could not find profile" not in str(error):
        return ""
    return f" in {path}" if path.exists() else f": there is no {path}."


def _credentials(profile: "Profile", path: Path) -> Credentials:
    login = profile.credentials
    if login.type != "postgres":
        raise DbtError(
            f"The target {profile.target_name} in {path} is of type {login.type}: only "
            "postgres has these summary tables."
        )
    given: dict[str, Any] = {
        each.name: getattr(login, each.name)
        for each in fields(Credentials)
        if hasattr(login, each.name)
    }
    return Credentials(**given)


def _refuse_unset_password(profile: "Profile", path: Path) -> None:
    """Say what dbt does not: it takes the placeholder itself for the password."""
    password = str(getattr(profile.credentials, "password", ""))
    if unset := re.search(r"""\{\{.*env_var\(\s*['"](\w+)['"]""", password):
        raise DbtError(
            f"The password in {path} needs the environment variable {unset[1]}: set it."
        )
