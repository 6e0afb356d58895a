"""Which summary tables a command is about."""

import re
from collections.abc import Sequence

from orchestrator import dbt
from orchestrator.dbt import Model
from orchestrator.errors import UsageError
from orchestrator.project import Project
from orchestrator.summaries import suggest


def choose(
    project: Project,
    declared: dict[str, Model],
    criteria: Sequence[str] = (),
    cadence: str | None = None,
) -> list[Model]:
    """Return the summary tables that dbt's criteria and the cadence select.

    Raises UsageError for criteria or a cadence that select none.
    """
    chosen = [model for model in declared.values() if model.is_summary]
    if not chosen:
        raise UsageError("This dbt project declares no summary tables.")
    if cadence is not None:
        chosen = _of_cadence(chosen, cadence)
    if criteria:
        chosen = _of_criteria(project, declared, chosen, criteria)
    return chosen


def _of_cadence(models: list[Model], cadence: str) -> list[Model]:
    wanted = " ".join(cadence.split())
    chosen = [model for model in models if model.every == wanted]
    if not chosen:
        known = sorted({model.every for model in models if model.every})
        raise UsageError(
            f'No summary table has the cadence "{cadence}": there are '
            f"{', '.join(known)}."
        )
    return chosen


def _of_criteria(
    project: Project,
    declared: dict[str, Model],
    models: list[Model],
    criteria: Sequence[str],
) -> list[Model]:
    selected, unmatched = dbt.select(project, criteria)
    chosen = [model for model in models if model.unique_id in selected]
    if unmatched:
        name = re.sub(r"^[\d+@]+|[\d+]+$", "", unmatched[0])
        summaries = [model.name for model in declared.values() if model.is_summary]
        raise UsageError(
            f'No model is selected by "{unmatched[0]}"{suggest(name, summaries)}'
        )
    if not chosen:
        raise UsageError(
            f'No summary table is selected by "{" ".join(criteria)}": there are '
            f"{', '.join(sorted(model.name for model in models))}."
        )
    return chosen
