"""The status page: one HTML file that needs nothing else, not even a script."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import click
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from orchestrator import __version__, words
from orchestrator.dbt import plain
from orchestrator.errors import OrchestratorError
from orchestrator.overview import Chart, Overview, Point

# A chart is drawn on this many units, and stretched to where it is shown.
WIDTH, HEIGHT = 300.0, 60.0

# Loads a live page again, unless someone has opened or selected something there,
# and says where nobody answers any more.
RELOAD = """
setInterval(() => {
  const isRead = document.querySelector("details[open]") || String(getSelection());
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


def render(
    overview: Overview,
    charts: Sequence[Chart],
    *,
    live: bool = False,
    lack: str | None = None,
) -> str:
    """Return the page; `lack` is why it has no charts.

    One that is `live` loads itself again and links to the metrics.
    """
    page = _template().render(
        overview=overview,
        drawings=[draw(chart) for chart in charts],
        lack=lack,
        reload=Markup(RELOAD) if live else None,
        version=__version__,
        now=overview.asked_at,
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


def _value(chart: Chart, value: Decimal | None) -> str:
    if value is None:
        return "none"
    shown = (
        f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"
    )
    return f"{shown} {chart.unit}" if chart.unit else shown


@cache
def _template() -> Template:
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
    )
    return environment.get_template("status.html")
