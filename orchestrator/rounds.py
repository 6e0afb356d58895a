"""Rounds: the refresh of whatever is selected, by dbt."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from orchestrator import webhook
from orchestrator.dbt import Execution, Listener, LoadedProject, Model
from orchestrator.project import Project
from orchestrator.queries import query
from orchestrator.runs import Run, of_execution, record
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
    names = _with_absent_parents(connection, chosen, loaded.models())
    return recorded(connection, loaded.run(names, listener))


def refresh_due(
    project: Project,
    connection: Connection[Any],
    criteria: Sequence[str] = (),
    cadence: str | None = None,
    listener: Listener | None = None,
) -> list[Run]:
    """Refresh what is due, then what that asked something of, each once.

    What is new in the project is due. Raises as refresh() does.
    """
    loaded = LoadedProject(project)
    declared = loaded.models()
    chosen = {model.name: model for model in choose(loaded, criteria, cadence)}
    done: list[Run] = []
    while chosen:
        names = [name for name in _due_or_new(connection, chosen) if name in chosen]
        with keeping(connection, names) as kept:
            due = [chosen.pop(name) for name in kept]
            if not due:
                break
            needed = _with_absent_parents(connection, due, declared)
            done += build(loaded, connection, needed, listener, installs=not done)
    return done


def take_due(connection: Connection[Any], *, eager: bool = False) -> list[str]:
    """Return what is due or waited for, and is not worked on by another worker.

    What waits for its cadence, or has just failed, is so to the `eager` alone.
    """
    rows = connection.execute(query("take_due"), {"eager": eager})
    return [name for (name,) in rows]


@contextmanager
def keeping(connection: Connection[Any], names: Sequence[str]) -> Iterator[list[str]]:
    """Keep these models from other workers for a block; gives those that one can.

    The block is a transaction, which holds nothing else until dbt is done.
    """
    with connection.transaction():
        # It is idle while dbt works, in transactions of its own.
        connection.execute("set local idle_in_transaction_session_timeout = 0")
        rows = connection.execute(query("keep_taken"), {"names": list(names)})
        yield [name for (name,) in rows]


def build(
    loaded: LoadedProject,
    connection: Connection[Any],
    names: Sequence[str],
    listener: Listener | None = None,
    *,
    installs: bool = True,
) -> list[Run]:
    """Refresh these models by one run of dbt, which tests the rows that it changes.

    A row that a test finds wrong is drift, as is one that an audit finds.
    """
    return recorded(connection, loaded.build(names, listener, installs=installs))


def recorded(connection: Connection[Any], execution: Execution) -> list[Run]:
    """Return what dbt did to each summary table, with all of it on record."""
    runs = of_execution(connection, execution)
    record(connection, execution, runs)
    return runs


def watch(connection: Connection[Any], webhook_url: str | None = None) -> None:
    """Open and close incidents, and post what waits to be told of them."""
    connection.execute(query("watch"))
    if webhook_url:
        webhook.deliver(connection, webhook_url)


def _due_or_new(connection: Connection[Any], names: Iterable[str]) -> list[str]:
    """Return what is due, and those of the models that no build has told of."""
    (can_take,) = connection.execute(query("can_take_due")).fetchone() or (False,)
    if not can_take:
        return list(names)
    new = connection.execute(query("unknown_models"), {"names": list(names)})
    return [*take_due(connection, eager=True), *(name for (name,) in new)]


def _with_absent_parents(
    connection: Connection[Any], models: Sequence[Model], declared: dict[str, Model]
) -> list[str]:
    """Return the models' names, after what they read and the database lacks."""
    parents: dict[str, Model] = {}
    pending = list(models)
    while pending:
        for parent in pending.pop().parents:
            if parent in declared and parent not in parents:
                parents[parent] = declared[parent]
                pending.append(declared[parent])
    relations = [parent.relation for parent in parents.values() if parent.relation]
    rows = connection.execute(query("missing_relations"), {"relations": relations})
    missing = {relation for (relation,) in rows}
    absent = [
        parent
        for parent in parents.values()
        if parent.relation in missing and parent not in models
    ]
    return [model.name for model in (*absent, *models)]
