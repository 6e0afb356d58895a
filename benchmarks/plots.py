"""The plots of the report: how a refresh grows, by what is stored and what changed."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib import pyplot

from benchmarks.site import SIZES

if TYPE_CHECKING:
    from benchmarks.report import Measured

LINES = {
    "refresh": ("kpi_summaries", "#1a7f37", "o"),
    "minimum": ("by hand, knowing what changed", "#8c959f", "s"),
    "yesterday": ("by hand, yesterday of all", "#bf8700", "^"),
    "view": ("refresh materialized view concurrently", "#cf222e", "D"),
}
CHANGES = 100


def draw(measured: "Measured", folder: Path) -> list[Path]:
    """Draw what there is, and return the files."""
    sizes = measured.sizes("refresh")
    if not sizes:
        return []
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "kpi_summaries", "font.size": 10}
    by_stored = {
        name: [
            (SIZES[size], seconds)
            for size in sizes
            if (seconds := measured.median("refresh", size, what=name, changes=CHANGES))
        ]
        for name in LINES
    }
    by_changed = {
        name: [
            (record["changes"], seconds)
            for record in measured.records("refresh", sizes[-1], what=name)
            if record["changes"]
            and (
                seconds := measured.median(
                    "refresh", sizes[-1], what=name, changes=record["changes"]
                )
            )
        ]
        for name in LINES
    }
    return [
        _plot(
            folder / "by-stored-rows.svg",
            by_stored,
            "calls stored",
            f"A refresh after {CHANGES} changed rows",
        ),
        _plot(
            folder / "by-changed-rows.svg",
            by_changed,
            "rows changed",
            f"A refresh with {sizes[-1]} calls stored",
        ),
    ]


def _plot(
    path: Path, lines: dict[str, list[tuple[int, float]]], below: str, title: str
) -> Path:
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, points in lines.items():
        label, color, marker = LINES[name]
        if points:
            axes.plot(
                *zip(*points, strict=True), label=label, color=color, marker=marker
            )
    axes.set(xscale="log", yscale="log", xlabel=below, ylabel="seconds", title=title)
    axes.grid(which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:g}")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    # The same figures make the same file.
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path
