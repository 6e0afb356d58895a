"""The pages: each one HTML file that needs nothing else, not even a script."""

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from orchestrator import __version__, words
from orchestrator.dbt import plain
from orchestrator.errors import OrchestratorError
from orchestrator.overview import Chart, Overview, Point
from orchestrator.summaries import Summary
from orchestrator.table_details import Question, TableDetails

# A chart is drawn on this many units, and stretched to where it is shown.
WIDTH, HEIGHT = 300.0, 60.0

# Loads a live page again, unless someone has opened or selected something there,
# and says where nobody answers any more.
RELOAD = """
setInterval(() => {
  const isRead = document.querySelector("details[open], :is(input, select):focus")
    || String(getSelection());
  if (document.hidden || isRead) return;
  fetch(location.href)
    .then((answer) => (answer.ok ? location.reload() : Promise.reject()))
    .catch(() => document.body.classList.add("lost"));
}, 10000);
"""

# How a period is called in full, and at the ends of a chart's axis.
PERIODS = {
    "day": ("%d %b %Y", "%d %b"),
    "week": ("week of %d %b %Y", "%d %b"),
    "month": ("%b %Y", "%b %Y"),
}
MOMENT = ("%d %b %Y %H:%M UTC", "%H:%M UTC")


@dataclass(frozen=True)
class Bar:
    """A point of a chart as it is drawn, and in words."""

    x: float
    y: float
    width: float
    height: float
    point: Point
    period: str
    value: str


@dataclass(frozen=True)
class Drawing:
    """A chart as it is drawn, and in words."""

    chart: Chart
    bars: list[Bar]
    figure: str
    first: str
    last: str
    summary: str


# How the summary tables of the status page can be sorted.
SORTS: dict[str, Callable[[Summary], Any]] = {
    "urgency": lambda summary: -summary.severity,
    "name": lambda summary: summary.model,
    "age": lambda summary: summary.refreshed_through or summary.last_due,
    "duration": lambda summary: -(summary.last_duration or timedelta()),
}


@dataclass(frozen=True)
class Listing:
    """The summary tables as the status page lists them: those searched, in an order."""

    overview: Overview
    search: str = ""
    sort: str = "urgency"

    @property
    def published(self) -> list[Summary]:
        """Those that clients may be given to read."""
        return self._listed(self.overview.published)

    @property
    def inner(self) -> list[Summary]:
        """Those that are steps to others."""
        return self._listed(self.overview.inner)

    def _listed(self, summaries: Sequence[Summary]) -> list[Summary]:
        found = [s for s in summaries if self.search.lower() in s.model.lower()]
        return sorted(found, key=SORTS.get(self.sort, SORTS["urgency"]))


def render(
    overview: Overview,
    charts: Sequence[Chart],
    *,
    live: bool = False,
    lack: str | None = None,
    listing: Listing | None = None,
) -> str:
    """Return the page; `lack` is why it has no charts.

    One that is `live` loads itself again, links to the metrics and to a page for each
    table, and lists those that are searched.
    """
    page = _template("status.html").render(
        overview=overview,
        listing=listing or Listing(overview),
        sorts=list(SORTS),
        root="",
        drawings=[draw(chart) for chart in charts],
        lack=lack,
        reload=Markup(RELOAD) if live else None,
        version=__version__,
        now=overview.asked_at,
    )
    return page.lstrip()


def render_table(table: TableDetails, asked: Question, *, may_act: bool) -> str:
    """Return the page of one summary table, with actions for who may act."""
    page = _template("table.html").render(
        table=table,
        summary=table.summary,
        asked=asked,
        may_act=may_act,
        drawings=[draw(chart) for chart in table.charts],
        longest=max(
            (run.duration for run in table.runs if run.duration), default=timedelta(1)
        ),
        root="../",
        reload=Markup(RELOAD),
        version=__version__,
        now=table.asked_at,
    )
    return page.lstrip()


def write(path: Path, text: str) -> None:
    """Write a page to a file, which a reader finds whole; - is stdout.

    Raises OrchestratorError where it cannot be written.
    """
    if str(path) == "-":
        click.echo(text, nl=False)
        return
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            encoding="utf-8",
            dir=path.parent,
            prefix=f".{path.name}-",
            delete=False,
        ) as file:
            try:
                file.write(text)
                file.close()
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                with suppress(FileNotFoundError):
                    Path(file.name).unlink()
                raise
    except OSError as error:
        raise OrchestratorError(
            f"{path} cannot be written: {os.strerror(error.errno or 0)}."
        ) from error


def draw(chart: Chart) -> Drawing:
    """Lay out a chart as bars over a line at zero."""
    full, axis = PERIODS.get(chart.grain, MOMENT)
    values = [point.value for point in chart.points if point.value is not None]
    low, high = min([Decimal(0), *values]), max([Decimal(0), *values])
    scale = HEIGHT / float(high - low or 1)
    step = WIDTH / len(chart.points)
    bars = []
    for place, point in enumerate(chart.points):
        value = point.value or Decimal(0)
        bars.append(
            Bar(
                x=round(place * step + step * 0.1, 2),
                y=round(float(high - max(value, Decimal(0))) * scale, 2),
                width=round(step * 0.8, 2),
                height=round(float(abs(value)) * scale, 2),
                point=point,
                period=f"{point.starts_at:{full}}",
                value=_value(chart, point.value),
            )
        )
    latest = chart.latest
    described = f"{bars[0].period} to {bars[-1].period}"
    if values:
        described += (
            f"; lowest {_value(chart, min(values))}, highest "
            f"{_value(chart, max(values))}"
        )
    return Drawing(
        chart=chart,
        bars=bars,
        figure=_value(chart, latest.value if latest else None),
        first=f"{chart.points[0].starts_at:{axis}}",
        last=f"{chart.points[-1].starts_at:{axis}}",
        summary=described,
    )


def _size(number: int | None) -> str:
    """Return a number of bytes as people write it."""
    size = float(number or 0)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


def _value(chart: Chart, value: Decimal | None) -> str:
    if value is None:
        return "none"
    shown = (
        f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"
    )
    return f"{shown} {chart.unit}" if chart.unit else shown


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("orchestrator"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["size"] = (WIDTH, HEIGHT)
    environment.filters.update(
        cadence=words.cadence,
        count=words.count,
        duration=words.duration,
        plain=plain,
        span=words.format_duration,
        moment=lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        size=_size,
    )
    return environment


def _template(name: str) -> Template:
    return _environment().get_template(name)
