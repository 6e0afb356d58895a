"""Rounds: the refresh of whatever is selected, by dbt."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from orchestrator import webhook
from orchestrator.dbt import Execution, Listener, LoadedProject, Model
from orchestrator.project import Project
from orchestrator.queries import query
from orchestrator.runs import Run, of_execution, record_drift
from orchestrator.selection import choose


def refresh(
    project: Project,
    connection: Connection[Any],
    criteria: Sequence[str] = (),
    cadence: str | None = None,
    listener: Listener | None = None,
) -> list[Run]:
    """Refresh the summary tables selected, due or not.

    Raises UsageError where none is, DbtError where dbt cannot begin.
    """
    loaded = LoadedProject(project)
    chosen = choose(loaded, criteria, cadence)
    return deploy(loaded, connection, chosen, listener)


def refresh_due(
    project: Project,
    connection: Connection[Any],
    criteria: Sequence[str] = (),
    cadence: str | None = None,
    listener: Listener | None = None,
) -> list[Run]:
    """Refresh what is due, then what that asked something of, each once.

    Whatever changed in the project makes all of it due. Raises as refresh() does.
    """
    loaded = LoadedProject(project)
    chosen = {model.name: model for model in choose(loaded, criteria, cadence)}
    done: list[Run] = []
    while chosen:
        names = [
            name
            for name in _due_or_outdated(connection, loaded, chosen)
            if name in chosen
        ]
        with keeping(connection, names) as kept:
            due = [chosen.pop(name) for name in kept]
            if not due:
                break
            done += build(loaded, connection, due, listener, installs=not done)
    return done


def deploy(
    loaded: LoadedProject,
    connection: Connection[Any],
    models: Sequence[Model],
    listener: Listener | None = None,
) -> list[Run]:
    """Refresh these models, with the views that they read as the project has them.

    Brings into the database what the models share. Raises DbtError where dbt cannot
    begin.
    """
    names = _with_what_they_read(connection, loaded, models)
    return recorded(connection, loaded, loaded.run(names, listener))


def outdated(
    connection: Connection[Any],
    loaded: LoadedProject,
    names: Iterable[str],
    *,
    eager: bool = False,
) -> list[str]:
    """Return those of the models that this state of the project has yet to build.

    What has just failed is so to the `eager` alone.
    """
    if not _can_claim_due(connection):
        return list(names)
    asked = {"names": list(names), "project": loaded.checksum, "eager": eager}
    return [name for (name,) in connection.execute(query("outdated_models"), asked)]


def claim_due(connection: Connection[Any], *, eager: bool = False) -> list[str]:
    """Return what is due or waited for, and is not worked on by another worker.

    What waits for its cadence, or has just failed, is so to the `eager` alone.
    """
    rows = connection.execute(query("claim_due"), {"eager": eager})
    return [name for (name,) in rows]


@contextmanager
def keeping(connection: Connection[Any], names: Sequence[str]) -> Iterator[list[str]]:
    """Keep these models from other workers for a block; gives those that one can.

    The block is a transaction, which holds nothing else until dbt is done.
    """
    with connection.transaction():
        # It is idle while dbt works, in transactions of its own.
        connection.execute("set local idle_in_transaction_session_timeout = 0")
        rows = connection.execute(query("keep_claims"), {"names": list(names)})
        yield [name for (name,) in rows]


def build(
    loaded: LoadedProject,
    connection: Connection[Any],
    models: Sequence[Model],
    listener: Listener | None = None,
    *,
    installs: bool = True,
) -> list[Run]:
    """Refresh these models by one run of dbt, which tests the rows that it changes.

    The views that a model reads are built with it unless they have been, by this
    state of the project and without a failure since. A row that a test finds wrong
    is drift, as is one that an audit finds.
    """
    names = [model.name for model in models]
    changed = set(outdated(connection, loaded, names, eager=True))
    with_views = [model for model in models if model.name in changed]
    needed = _with_what_they_read(connection, loaded, with_views)
    names += [name for name in needed if name not in names]
    execution = loaded.build(names, listener, installs=installs)
    return recorded(connection, loaded, execution)


def recorded(
    connection: Connection[Any], loaded: LoadedProject, execution: Execution
) -> list[Run]:
    """Return what dbt did to each summary table, with all of it on record."""
    runs = of_execution(connection, execution)
    record_drift(connection, runs)
    built = [run.model for run in runs if run.status == "success"]
    connection.execute(
        query("models_built"), {"names": built, "project": loaded.checksum}
    )
    return runs


def watch(
    connection: Connection[Any], webhook_url: str | None = None, environment: str = ""
) -> None:
    """Open and close incidents, and post the notices of them that wait."""
    connection.execute(query("watch"))
    if webhook_url:
        webhook.deliver(connection, webhook_url, environment)


def _due_or_outdated(
    connection: Connection[Any], loaded: LoadedProject, names: Iterable[str]
) -> list[str]:
    """Return what is due, and what this state of the project has yet to build."""
    due = claim_due(connection, eager=True) if _can_claim_due(connection) else []
    changed = outdated(connection, loaded, names, eager=True)
    return list(dict.fromkeys([*due, *changed]))


def _can_claim_due(connection: Connection[Any]) -> bool:
    (can_take,) = connection.execute(query("can_claim_due")).fetchone() or (False,)
    return bool(can_take)


def _with_what_they_read(
    connection: Connection[Any], loaded: LoadedProject, models: Sequence[Model]
) -> list[str]:
    """Return the models' names, after those of the views that they read.

    Of the summary tables that they read, those are among them that the database
    lacks, with what these read.
    """
    declared = loaded.models()
    tables = [model.relation for model in loaded.summaries()]
    rows = connection.execute(query("missing_relations"), {"relations": tables})
    missing = {relation for (relation,) in rows}
    read: dict[str, None] = {}
    pending = list(models)
    while pending:
        for parent in map(declared.get, pending.pop().parents):
            if (
                parent is not None
                and parent.name not in read
                and (not parent.is_summary or parent.relation in missing)
            ):
                read[parent.name] = None
                pending.append(parent)
    return list(dict.fromkeys([*read, *(model.name for model in models)]))
