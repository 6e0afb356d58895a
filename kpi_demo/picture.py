"""What the demo prints in the end: what changed, what that cost, what it shows."""

import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_demo.binaries import embedded_binaries
from kpi_demo.demo import Outcome
from kpi_demo.source_data import Change
from orchestrator.display import columns, output
from orchestrator.words import pluralize

BARS = "▁▂▃▄▅▆▇█"

# What is shown of each business, and from which tables.
SECTIONS = {
    "community": "Communities' entries of 14 weeks (kpi_weekly)",
    "restaurant": "Restaurants' revenue of 14 days (metrics_daily)",
    "rental": "Rental of 14 days (revenue_trends, dashboard_kpis, booking_trends)",
    "learning": "Learning of 14 days (active_learning_days, quiz_completion_rates)",
    "plant": "Machines' OEE of 14 days (daily_summaries), and now (live_snapshots)",
}
CHANGES_A_DOMAIN = 2


def show(outcome: Outcome) -> None:
    """Print the picture."""
    console = output()
    _show_changes(console, outcome)
    _show_refresh(console, outcome)
    _show_sections(console, outcome)
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
    table = _columns("what", "whose", "from day on")
    first_changes: dict[str, Change] = {}
    for change in outcome.changes:
        first_changes.setdefault(change.what, change)
    for domain in SECTIONS:
        changes = [
            change for change in first_changes.values() if change.domain == domain
        ]
        for change in changes[:CHANGES_A_DOMAIN]:
            table.add_row(f"• {change.what}", _whose(outcome, change), _day(change))
    console.print(table)
    if more := len(first_changes) - table.row_count:
        console.print(f"  … and {more} more")


def _whose(outcome: Outcome, change: Change) -> str:
    if change.tenant is None:
        return f"({change.domain})"
    return outcome.tenants.get(change.tenant, "")


def _day(change: Change) -> str:
    return f"{change.period:%d %b %Y}" if change.period else "every day"


def _show_refresh(console: Console, outcome: Outcome) -> None:
    _heading(console, "What the refresh rewrote")
    rewritten = Counter[str]()
    for run in outcome.runs:
        rewritten[run.model] += run.rows_changed or 0
    cells = [
        (model, f"{rewritten[model]:,} of {stored:,}")
        for model, stored in outcome.stored.items()
    ]
    half = (len(cells) + 1) // 2
    table = _columns("summary", "-rows", "summary", "-rows")
    for left, right in zip_longest(cells[:half], cells[half:], fillvalue=("", "")):
        table.add_row(*left, *right)
    console.print(table)
    console.print(
        f"{sum(rewritten[model] for model in outcome.stored):,} of "
        f"{pluralize(sum(outcome.stored.values()), 'row')} rewritten."
    )


def _show_sections(console: Console, outcome: Outcome) -> None:
    lines = [line for section in outcome.sections.values() for line in section]
    for domain, title in SECTIONS.items():
        _heading(console, title)
        table = _columns("name", "-values", "-figure", "change", "note")
        name, values, figure, *_ = table.columns
        name.min_width = max(len(line.name) for line in lines)
        values.min_width = max(len(line.values) for line in lines)
        figure.min_width = max(len(line.figure) for line in lines)
        for line in outcome.sections[domain]:
            bars = Text(sparkline(line.values), "cyan")
            change = trend(line.change_pct)
            table.add_row(line.name, bars, line.figure, change, line.note)
        console.print(table)


def _columns(*names: str) -> Table:
    table = columns(*names)
    table.show_header = False
    return table


def _show_next_steps(console: Console, outcome: Outcome) -> None:
    _heading(console, "Try next, on the database that all this is in")
    here = Path(sys.executable).parent
    if shutil.which("orchestrator") != str(here / "orchestrator"):
        console.print(f"  export PATH={here}:$PATH")
    if shutil.which("psql") is None:
        console.print(f"  alias psql={embedded_binaries() / 'psql'}")
    console.print(f"  export DBT_PROJECT_DIR={outcome.project_dir}")
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
