"""What a long-running process says on stderr: a line for each thing that happens."""

import json
from datetime import UTC, datetime

import click

from orchestrator.runs import Run
from orchestrator.words import duration, pluralize


class Journal:
    """Writes lines with the time before them, or JSON objects for machines."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json

    def refreshed(self, run: Run) -> None:
        """Say what became of a refresh, and why where it failed."""
        message = run.failure if run.failed else run.reason or ""
        if run.failed:
            line = f"{run.model} error: {message}"
        elif run.status == "success":
            line = (
                f"{run.model} success: {pluralize(run.periods, 'period')}, "
                f"{pluralize(run.rows_changed, 'row')} changed in "
                f"{duration(run.duration)} ({message})"
            )
        else:
            line = f"{run.model} {run.status}: {message}"
        self._write(
            line,
            event="refresh",
            model=run.model,
            status="error" if run.failed else run.status,
            periods=run.periods,
            rows_changed=run.rows_changed,
            seconds=run.duration.total_seconds() if run.duration else None,
            message=message,
        )

    def say(self, message: str) -> None:
        """Say something else."""
        self._write(message, event="message", message=message)

    def _write(self, line: str, **fields: object) -> None:
        now = datetime.now(UTC)
        if self._as_json:
            fields_and_time = {"time": now.isoformat(timespec="milliseconds"), **fields}
            line = json.dumps(fields_and_time, ensure_ascii=False)
        else:
            line = f"{now:%Y-%m-%dT%H:%M:%SZ} {' '.join(line.split())}"
        click.echo(line, err=True)
