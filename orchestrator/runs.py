"""Runs: refreshes of summary tables, and what came of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from orchestrator.dbt import Execution, Result
from orchestrator.queries import query

# How the macro close_failed_runs begins, of a table whose views failed.
READS = "What it reads failed:"


@dataclass(frozen=True)
class Run:
    """One refresh of a summary table; `status` is success, error or skipped."""

    model: str
    status: str
    reason: str | None = None
    started_at: datetime | None = None
    duration: timedelta | None = None
    periods: int | None = None
    rows_changed: int | None = None
    error_message: str | None = None
    failed_tests: tuple[str, ...] = ()
    broken_tests: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it ended before its work was done, or its rows did not pass tests.

        A broken test is one that could not be run: it says nothing of the rows.
        """
        return self.status == "error" or bool(self.failed_tests + self.broken_tests)

    @property
    def failure(self) -> str:
        """What became of it, in a sentence."""
        if self.status == "error":
            return f"{self.model} was not refreshed: {self.error_message}"
        if self.failed_tests:
            found = "; ".join(self.failed_tests)
            return f"{self.model} does not pass its data tests: {found}."
        found = "; ".join(self.broken_tests)
        return f"{self.model} could not be tested: {found}."


def record_drift(connection: Connection[Any], runs: Sequence[Run]) -> None:
    """Open an incident for each table whose rows a test found wrong."""
    for run in runs:
        if run.failed_tests:
            connection.execute(
                query("open_drift"), {"model": run.model, "message": run.failure}
            )


def of_execution(connection: Connection[Any], execution: Execution) -> list[Run]:
    """Return what an invocation of dbt did to each summary table, in its order.

    A view that failed is among them where no run says that it is why it failed.
    """
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        noted = cursor.execute(
            query("runs_of_invocation"), {"invocation": execution.invocation}
        )
        runs = {run.model: run for run in noted}
    for result in execution.results:
        if result.kind == "test" and result.failed and result.model in runs:
            runs[result.model] = _with_failure(runs[result.model], result)
        if result.kind != "model":
            continue
        run = runs.get(result.name, Run(result.name, "skipped"))
        if result.failed and run.status != "error":
            runs[result.name] = replace(
                run, status="error", error_message=result.message
            )
        elif result.status == "skipped" and result.name not in runs:
            runs[result.name] = replace(run, reason="what it reads failed")
    messages = [run.error_message or "" for run in runs.values()]
    return [
        run
        for run in runs.values()
        if not any(f"{READS} {run.model}: " in message for message in messages)
    ]


def tested(execution: Execution) -> list[Run]:
    """Return, of an invocation that only tests, the tables whose rows did not pass."""
    runs: dict[str, Run] = {}
    for result in execution.results:
        if result.kind == "test" and result.failed:
            run = runs.get(result.model, Run(result.model, "success"))
            runs[result.model] = _with_failure(run, result)
    return list(runs.values())


def _with_failure(run: Run, result: Result) -> Run:
    said = f"{result.name}: {result.message.rstrip('.')}"
    if result.status == "fail":
        return replace(run, failed_tests=(*run.failed_tests, said))
    return replace(run, broken_tests=(*run.broken_tests, said))
