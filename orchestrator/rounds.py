"""Rounds: the refresh of whatever is selected, by dbt."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from orchestrator import dbt
from orchestrator.dbt import Listener, Model
from orchestrator.project import Project
from orchestrator.queries import query
from orchestrator.runs import Run, of_execution
from orchestrator.selection import choose, only_due


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
    declared = dbt.models(project)
    chosen = choose(project, declared, criteria, cadence)
    return _refresh(project, connection, chosen, declared, listener)


def refresh_due(
    project: Project,
    connection: Connection[Any],
    criteria: Sequence[str] = (),
    cadence: str | None = None,
    listener: Listener | None = None,
) -> list[Run]:
    """Refresh what is due, then what that asked something of, each once.

    Raises as refresh() does.
    """
    declared = dbt.models(project)
    chosen = choose(project, declared, criteria, cadence)
    done: list[Run] = []
    while due := only_due(connection, chosen):
        done += _refresh(project, connection, due, declared, listener)
        chosen = [model for model in chosen if model not in due]
    return done


def _refresh(
    project: Project,
    connection: Connection[Any],
    models: Sequence[Model],
    declared: dict[str, Model],
    listener: Listener | None,
) -> list[Run]:
    """Run dbt once, also over what these models read and the database lacks."""
    absent = _absent_parents(connection, models, declared)
    names = [model.name for model in (*absent, *models)]
    execution = dbt.execute(project, "run", names, listener)
    return of_execution(connection, execution)


def _absent_parents(
    connection: Connection[Any], models: Sequence[Model], declared: dict[str, Model]
) -> list[Model]:
    """Return what these models read, however far up, and the database lacks."""
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
    absent = [parent for parent in parents.values() if parent.relation in missing]
    return [parent for parent in absent if parent not in models]
