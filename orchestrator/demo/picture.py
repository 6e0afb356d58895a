"""What the demo prints in the end: what changed, what that cost, what it shows."""

import shutil
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.text import Text

from orchestrator.binaries import embedded_binaries
from orchestrator.demo.demo import Outcome
from orchestrator.demo.source_data import Change
from orchestrator.display import ago, columns, count, counted, duration, output

BARS = "▁▂▃▄▅▆▇█"


def show(outcome: Outcome) -> None:
    """Print the picture."""
    console = output()
    _show_changes(console, outcome)
    _show_refresh(console, outcome)
    _show_weeks(console, outcome)
    _show_revenue(console, outcome)
    _show_next_steps(console, outcome)


def sparkline(values: Sequence[Decimal]) -> str:
    """Draw numbers as bars, the highest in full."""
    highest = max(values, default=Decimal(0))
    if highest <= 0:
        return BARS[0] * len(values)
    steps = [round(value / highest * (len(BARS) - 1)) for value in values]
    return "".join(BARS[max(step, 0)] for step in steps)


def trend(change: Decimal | None) -> Text:
    """Write a change in percent with an arrow."""
    if change is None:
        return Text("new")
    if change == 0:
        return Text("=   0.0 %")
    arrow, color = ("▲", "green") if change > 0 else ("▼", "red")
    return Text(f"{arrow} {abs(change):5.1f} %", color)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(text, style="bold")


def _show_changes(console: Console, outcome: Outcome) -> None:
    _heading(console, "What happened in the sources")
    table = columns("what", "whose", "from day on")
    table.show_header = False
    seen = set()
    for change in outcome.changes:
        if (what := (change.what, change.tenant)) not in seen:
            seen.add(what)
            table.add_row(f"• {change.what}", _whose(outcome, change), _day(change))
    console.print(table)


def _whose(outcome: Outcome, change: Change) -> str:
    return outcome.tenants.get(change.tenant or "", "")


def _day(change: Change) -> str:
    return f"{change.period:%d %b %Y}" if change.period else "every day"


def _show_refresh(console: Console, outcome: Outcome) -> None:
    _heading(console, "What the refresh rewrote")
    runs = {run.model: run for run in outcome.runs}
    table = columns("summary", "-rows", "-rewritten", "-periods", "-took", "checked")
    for summary in outcome.summaries:
        run = runs.get(summary.model)
        table.add_row(
            summary.model,
            count(outcome.stored[summary.model]),
            count(run.rows_changed if run else 0),
            count(run.periods if run else 0),
            duration(run.duration if run else None),
            ago(summary.asked_at, summary.refreshed_through),
        )
    console.print(table)
    rewritten = sum(run.rows_changed or 0 for run in outcome.runs)
    stored = sum(outcome.stored.values())
    console.print(f"{rewritten:,} of {counted(stored, 'row')} rewritten.")


def _show_weeks(console: Console, outcome: Outcome) -> None:
    if not outcome.weeks:
        return
    monday = outcome.weeks[0].week_start
    _heading(console, f"Communities in the week of {monday:%d %b %Y} (kpi_weekly)")
    table = columns("name", "-entries", "change", "-incidents", "incidents")
    table.show_header = False
    for week in outcome.weeks:
        table.add_row(
            week.name,
            counted(week.total_entries, "entry", "entries"),
            trend(week.entries_change_pct),
            count(week.incidents_reported),
            "incident" if week.incidents_reported == 1 else "incidents",
        )
    console.print(table)


def _show_revenue(console: Console, outcome: Outcome) -> None:
    if not outcome.revenue:
        return
    days = len(outcome.revenue[0].days)
    _heading(console, f"Restaurants' revenue of {days} days (metrics_daily)")
    table = columns("name", "days", "-total", "change")
    table.show_header = False
    for line in outcome.revenue:
        table.add_row(
            line.name,
            Text(sparkline(line.days), "cyan"),
            f"{line.total:,.0f}",
            trend(line.change_pct),
        )
    console.print(table)


def _show_next_steps(console: Console, outcome: Outcome) -> None:
    _heading(console, "Try next, on the database that all this is in")
    here = Path(sys.executable).parent
    if shutil.which("orchestrator") != str(here / "orchestrator"):
        console.print(f"  export PATH={here}:$PATH")
    if shutil.which("psql") is None:
        console.print(f"  alias psql={embedded_binaries() / 'psql'}")
    console.print(f"  export DBT_PROFILES_DIR={outcome.profiles_dir}")
    console.print(f"  export DEMO={outcome.url}")
    console.print(NEXT_STEPS)


NEXT_STEPS = """\
  orchestrator status
  psql $DEMO -c "
    insert into community.access_logs
      (community_id, entry_type, decision, occurred_at)
    select id, 'visitor', 'granted', now() - interval '40 days'
    from community.communities order by created_at limit 1;
    select * from analytics.refresh('kpi_daily')"
  orchestrator run --due
  orchestrator demo --stop"""
