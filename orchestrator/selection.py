"""Which summary tables a command is about."""

import re
from collections.abc import Sequence

from orchestrator.dbt import LoadedProject, Model
from orchestrator.errors import UsageError
from orchestrator.summaries import suggest


def choose(
    project: LoadedProject,
    criteria: Sequence[str] = (),
    cadence: str | None = None,
) -> list[Model]:
    """Return the summary tables that dbt's criteria and the cadence select.

    Raises UsageError for criteria or a cadence that select none.
    """
    summaries = project.summaries()
    if not summaries:
        raise UsageError("This dbt project declares no summary tables.")
    chosen = summaries if cadence is None else _of_cadence(summaries, cadence)
    if criteria:
        selected, unmatched = project.select(criteria)
        if unmatched:
            name = re.sub(r"^[\d+@]+|[\d+]+$", "", unmatched[0])
            known = [model.name for model in summaries]
            raise UsageError(
                f'No model is selected by "{unmatched[0]}"{suggest(name, known)}'
            )
        chosen = _of_ids(chosen, selected, criteria)
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


def _of_ids(
    models: list[Model], selected: set[str], criteria: Sequence[str]
) -> list[Model]:
    chosen = [model for model in models if model.unique_id in selected]
    if not chosen:
        raise UsageError(
            f'No summary table is selected by "{" ".join(criteria)}": there are '
            f"{', '.join(sorted(model.name for model in models))}."
        )
    return chosen
