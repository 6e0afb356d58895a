"""What the commands print: tables for people, JSON for scripts.

Results go to stdout, progress to stderr. Both are plain where nobody looks, and
fit 80 columns.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.access import Finding
from orchestrator.dbt import plain
from orchestrator.errors import OrchestratorError
from orchestrator.overview import Overview
from orchestrator.runs import Run
from orchestrator.summaries import Refresh, Summary
from orchestrator.upkeep import Audit, Slice
from orchestrator.words import ago, count, duration, format_duration, pluralize

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg
    from psycopg import Connection

    from orchestrator.cron import Change, Job, WantedJob
    from orchestrator.doctor import Finding as Diagnosis
    from orchestrator.installation import Removal
    from orchestrator.pauses import Pause

COLORS = {"success": "green", "error": "red", "skipped": "yellow", "running": "cyan"}
LEVEL_COLORS = {"fine": "green", "due": "yellow", "wrong": "red"}
STATE_COLORS = {
    "fresh": "green",
    "due": "yellow",
    "paused": "yellow",
    "late": "red",
    "failing": "red",
    "not built": "red",
}
VERDICT_COLORS = {"ok": "green", "warning": "yellow", "problem": "red"}
CRON_COLORS = {"succeeded": "green", "failed": "red", "running": "cyan"}


def output() -> Console:
    """Return the console that results go to."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def show_json(value: object) -> None:
    """Print dataclasses, alone or in a list, as JSON; durations are seconds."""
    rows = [asdict(row) for row in value] if isinstance(value, list) else asdict(value)  # type: ignore[call-overload]
    click.echo(json.dumps(rows, indent=2, default=_to_json, ensure_ascii=False))


def show_runs(runs: Sequence[Run], elapsed: timedelta) -> None:
    """Print what each summary table got, and the failures to stderr."""
    table = columns("summary", "status", "-periods", "-rows changed", "-took", "why")
    for run in runs:
        table.add_row(
            run.model,
            _status(run.status),
            count(run.periods),
            count(run.rows_changed),
            duration(run.duration),
            "" if run.failed else run.reason or "",
        )
    console = output()
    console.print(table)
    show_failures(runs)
    done = [run for run in runs if run.status == "success"]
    rows = sum(run.rows_changed or 0 for run in done)
    console.print(
        f"{pluralize(len(done), 'summary', 'summaries')} refreshed, "
        f"{pluralize(rows, 'row')} changed in {duration(elapsed)}."
    )


def show_failures(runs: Sequence[Run]) -> None:
    """Print a sentence for each run that failed, to stderr."""
    for run in runs:
        if run.failed:
            click.echo(f"Error: {run.failure}", err=True)


def show_refresh(refresh: Refresh) -> None:
    """Print what a refresh in the database did and what it led to."""
    if refresh.status == "skipped":
        why = refresh.reason or ""
        if not why.startswith("paused"):
            why = "being refreshed by someone else"
        click.echo(
            f"{refresh.model} is {why}; what was asked for waits for the next refresh."
        )
        return
    click.echo(
        f"{refresh.model}: {pluralize(refresh.periods, 'period')} computed, "
        f"{pluralize(refresh.rows_changed, 'row')} changed in "
        f"{duration(refresh.duration)}."
    )
    if refresh.passed_on_to:
        click.echo(
            f"Now requested: {', '.join(refresh.passed_on_to)}. "
            "To refresh what waits: orchestrator run --due"
        )


def show_backfill(slices: Iterator[Slice]) -> list[Slice]:
    """Show how far a backfill is while it goes on; return what it did to each."""
    done: dict[str, Slice] = {}
    began = time.monotonic()
    console = Console(stderr=True, highlight=False, markup=False)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:.0f} of {task.total:.0f} days"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        begun = next(slices)
        task = bar.add_task(begun.model, total=begun.days_left)
        try:
            for part in slices:
                before = done.get(part.model)
                done[part.model] = replace(
                    part,
                    days=part.days + (before.days if before else 0),
                    rows_changed=part.rows_changed
                    + (before.rows_changed if before else 0),
                )
                bar.update(task, description=part.model, advance=part.days)
        except KeyboardInterrupt:
            left = bar.tasks[0].remaining or 0
            click.echo(
                f"{pluralize(round(left), 'day')} are left; the same command goes on "
                "from there.",
                err=True,
            )
            raise
    took = timedelta(seconds=time.monotonic() - began)
    console.print(f"Done in {duration(took)}.")
    return list(done.values())


def show_backfilled(done: Sequence[Slice]) -> None:
    """Print what a backfill did to each summary table."""
    if not done:
        click.echo("All of this is done.")
    for part in done:
        click.echo(f"{part.model}: {pluralize(part.rows_changed, 'row')} changed.")


def show_audits(audits: Sequence[Audit]) -> None:
    """Print how summary tables compare with their sources."""
    table = columns("summary", "-periods", "-rows that differ")
    for audit in audits:
        differ = Text(
            count(audit.rows_different), "red" if audit.rows_different else "green"
        )
        table.add_row(audit.model, count(audit.periods), differ)
    output().print(table)
    for audit in audits:
        if audit.message:
            repaired = " It was repaired." if audit.repaired else ""
            click.echo(f"{audit.message}{repaired}", err=True)


def show_status(overview: Overview) -> None:
    """Print whether all is well, what to do where it is not, and how each stands."""
    output().print(_status_lines(overview))
    output().print()
    output().print(_status_table(overview))


@contextmanager
def showing_status() -> Iterator[Callable[[Overview | OrchestratorError], None]]:
    """Show the status over and over, in place where someone looks at a terminal."""
    console = output()
    if not console.is_terminal:

        def show_again(seen: Overview | OrchestratorError) -> None:
            if isinstance(seen, Overview):
                show_status(seen)
            else:
                click.echo(f"Error: {seen}", err=True)
            click.echo()

        yield show_again
        return

    console.soft_wrap = False  # what is shown in place is cut off, else
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def redraw(seen: Overview | OrchestratorError) -> None:
            now = Text(f"{datetime.now():%H:%M:%S}, Ctrl-C ends this", "dim")
            if isinstance(seen, Overview):
                parts = (_status_lines(seen), Text(), _status_table(seen))
                live.update(Group(now, *parts), refresh=True)
            else:
                live.update(Group(now, Text(f"Error: {seen}", "red")), refresh=True)

        yield redraw


def _status_lines(overview: Overview) -> Text:
    """Return the verdict, its reasons and what to do, a line each."""
    verdict = overview.verdict
    lines = Text(verdict.sentence, f"bold {LEVEL_COLORS[verdict.level]}")
    for incident in overview.incidents:
        when = ago(overview.asked_at, incident.opened_at)
        lines.append("\n").append(
            f"Open incident, {when}: {plain(incident.message)}", "red"
        )
    for summary in overview.failures:
        when = ago(summary.asked_at, summary.last_run)
        why = plain(summary.last_error or "for a reason that was not noted")
        lines.append("\n").append(f"{summary.model} failed {when}: {why}", "red")
    for advice in verdict.advice:
        lines.append("\n").append(advice)
    return lines


def _status_table(overview: Overview) -> Table:
    names = ("summary", "state", "-refreshed", "-due", "-waiting", "-took", "-rows")
    table = columns(*names)
    for summary in overview.by_urgency:
        table.add_row(
            summary.model,
            Text(summary.state, STATE_COLORS.get(summary.state, "")),
            ago(summary.asked_at, summary.refreshed_through),
            _due(summary),
            count(summary.waiting or None),
            duration(summary.last_duration),
            count(summary.last_rows_changed),
        )
    return table


def show_pauses(pauses: "Sequence[Pause]") -> None:
    """Print the pauses that are in force."""
    for pause in pauses:
        subject = "Every summary table" if pause.model == "*" else pause.model
        click.echo(
            f"{subject} is paused until {pause.until.astimezone(UTC):%Y-%m-%d %H:%M} "
            f"UTC: {pause.reason} ({pause.paused_by})"
        )
    if not pauses:
        click.echo("Nothing is paused.")


def show_cron_changes(changes: "Sequence[Change]", otherwise: str) -> None:
    """Print what was done to pg_cron's jobs, or how it is if nothing was."""
    done = {"add": "added", "change": "changed", "remove": "removed"}
    for change in changes:
        click.echo(f"{change.jobname} ({change.schedule}) {done[change.change]}.")
    if not changes:
        click.echo(otherwise)


def show_cron_status(jobs: "Sequence[Job]") -> None:
    """Print how pg_cron's jobs stand, and last, in words, what is to be done."""
    table = columns("job", "schedule", "state", "last run", "ended")
    for job in jobs:
        table.add_row(
            job.jobname,
            job.schedule,
            Text(job.state, "" if job.state == "installed" else "yellow"),
            ago(job.asked_at, job.last_run),
            Text(job.last_status or "", CRON_COLORS.get(job.last_status or "", "")),
        )
    console = output()
    console.print(table)
    console.print()
    for job in jobs:
        if job.last_status == "failed":
            said = (job.last_message or "").strip().partition("\n")[0]
            why = said.removeprefix("ERROR:").strip()
            console.print(f"{job.jobname} failed: {why}", style="red")
        if job.state == "off":
            console.print(f"{job.jobname} is switched off: see cron.alter_job().")
    wrong = [job for job in jobs if job.state in ("missing", "differs", "unwanted")]
    if wrong:
        console.print(
            f"{pluralize(len(wrong), 'job')} of {len(jobs)} not as the models say. "
            "To fix that: orchestrator cron install"
        )
    elif all(job.state == "installed" for job in jobs):
        console.print(f"{pluralize(len(jobs), 'job')} as the models say.")


def show_cron_jobs(jobs: "Sequence[WantedJob]") -> None:
    """Print the SQL that makes pg_cron's jobs."""
    click.echo(
        f"-- In the database {jobs[0].database}, as the role that is to refresh:"
    )
    click.echo("create extension if not exists pg_cron;")
    for job in jobs:
        click.echo(job.statement)


def show_findings(findings: Sequence[Finding]) -> None:
    """Print a sentence for each thing that is not as declared."""
    for finding in findings:
        click.echo(f"{finding.problem}.")


def show_diagnosis(findings: "Sequence[Diagnosis]") -> None:
    """Print what was found of a database, each with what to do about it."""
    console = output()
    for finding in findings:
        text = Text(f"{finding.verdict:8} ", VERDICT_COLORS[finding.verdict])
        text.append(f"{finding.check}: {finding.finding}", "default")
        console.print(text)
        if finding.remedy:
            console.print(f"         {finding.remedy}", style="bold")
    verdicts = Counter(finding.verdict for finding in findings)
    warned = pluralize(verdicts["warning"], "warning")
    if verdicts["problem"]:
        first = (
            f"{pluralize(verdicts['problem'], 'problem')} to be solved before a build"
        )
    else:
        first = "A build will work"
    console.print(f"{first}; {warned}." if verdicts["warning"] else f"{first}.")


def uninstallation(
    connection: "Connection[Any]", tables: Sequence[str], drop_tables: bool
) -> str:
    """Return, in words, what an uninstallation would do, for confirmation."""
    info = connection.info
    which = "are dropped, with all rows" if drop_tables else "stay"
    return (
        f'From the database "{info.dbname}" at {info.host}:{info.port}, triggers, '
        "functions, views, pg_cron's jobs and the schema orchestrator are removed; "
        f"{pluralize(len(tables), 'summary table')} {which}."
    )


def show_removals(removals: "Sequence[Removal]") -> None:
    """Print what was removed, counted by kind, and by name what was kept."""
    for removal in removals:
        names = removal.names
        if removal.kept:
            click.echo(f"Kept: {', '.join(names)}.")
        elif len(names) > 5:
            click.echo(f"Removed: {pluralize(len(names), removal.kind)}.")
        else:
            click.echo(f"Removed: {removal.kind} {', '.join(names)}.")
    if not removals:
        click.echo("There was nothing to remove.")


@dataclass
class Work:
    """Something that takes a while. What is `done` in the end is kept on stderr."""

    doing: str
    bar: Progress
    task: TaskID
    done: str = ""

    def tell(self, detail: str) -> None:
        """Show what is at hand."""
        self.bar.update(self.task, description=f"{self.doing}: {detail}")

    def listen(self, event: "EventMsg") -> None:
        """Show how far an invocation of dbt is, by its events."""
        if event.info.name == "LogStartLine":
            if event.data.index == 1:
                self.bar.update(self.task, total=event.data.total, completed=0)
            self.tell(event.data.node_info.node_name)
        elif event.info.name == "NodeFinished":
            self.bar.advance(self.task)
        elif event.info.name == "JinjaLogWarning":
            self._print(f"Warning: {event.data.msg}")
        elif event.info.name == "JinjaLogInfo":
            self._print(event.data.msg)

    def _print(self, message: str) -> None:
        self.bar.console.print(" ".join(message.split()), soft_wrap=True)


@contextmanager
def working(doing: str) -> Iterator[Work]:
    """Show on stderr that something is at work, where that is a terminal."""
    console = Console(stderr=True, highlight=False, markup=False)
    began = time.monotonic()
    with Progress(
        SpinnerColumn(),
        TimeElapsedColumn(),
        _Bar(),
        TextColumn("{task.description}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        work = Work(doing, bar, bar.add_task(doing, total=None))
        yield work
    if work.done:
        took = timedelta(seconds=time.monotonic() - began)
        console.print(f"{work.done} ({duration(took)})", soft_wrap=True)


class _Bar(BarColumn):
    """A bar where it is known how much there is to do."""

    def __init__(self) -> None:
        super().__init__(bar_width=20)

    def render(self, task: Task) -> ProgressBar | Text:  # type: ignore[override]
        return Text("") if task.total is None else super().render(task)


class _Columns(Table):
    """A table whose last column alone gives way where the terminal is narrow."""

    def add_row(self, *cells: Any, **options: Any) -> None:  # noqa: ANN401
        *others, last = cells
        if isinstance(last, str):
            last = Text(last, no_wrap=True, overflow="ellipsis")
        super().add_row(*others, last, **options)


def columns(*names: str) -> Table:
    """Return an empty table; a name that begins with a hyphen is of numbers."""
    table = _Columns(
        box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0)
    )
    for name in names:
        table.add_column(
            name.removeprefix("-"),
            justify="right" if name.startswith("-") else "left",
            # rich shrinks the columns first that could wrap.
            no_wrap=name != names[-1],
        )
    return table


def _due(summary: Summary) -> str:
    """When it is next due, or since when it has been."""
    if summary.is_due:
        return ago(summary.asked_at, summary.last_due)
    return f"in {format_duration(summary.next_due - summary.asked_at)}"


def _status(status: str) -> Text:
    return Text(status, COLORS.get(status, ""))


def _to_json(value: Any) -> str | float:  # noqa: ANN401
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(value)
