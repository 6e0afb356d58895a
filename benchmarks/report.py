"""The report: what was measured as Markdown tables, ratios first, and plots."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import plots
from benchmarks.capture import CLIENTS, TRIGGERS
from benchmarks.measure import middle, percentile
from benchmarks.site import SIZES

CONTENDERS = {
    "refresh": "kpi_summaries",
    "minimum": "by hand, knowing what changed",
    "yesterday": "by hand, yesterday of all",
    "view": "`refresh … concurrently`",
}
REBUILDS = (
    "view written by hand",
    "view of the same query",
    "dbt run --full-refresh",
    "in the database, by dbt",
    "orchestrator rebuild",
    "in the database, by database",
)
MISSING = "-"
Row = Sequence[object]


class Measured:
    """All results of a folder."""

    def __init__(self, folder: Path) -> None:
        results = [
            json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))
        ]
        self._files = {(result["part"], result["size"]): result for result in results}

    @property
    def days(self) -> str:
        """From when to when it was measured."""
        days = sorted({str(each["measured_at"]) for each in self._files.values()})
        return " to ".join(dict.fromkeys((days[0], days[-1])))

    @property
    def latest(self) -> dict[str, Any]:
        """The file that was written last."""
        return max(self._files.values(), key=lambda result: result["measured_at"])

    def sizes(self, part: str) -> list[str]:
        """Return at which sizes a part was measured, the smallest first."""
        return [size for size in SIZES if (part, size) in self._files]

    def all_sizes(self) -> list[str]:
        """Return at which sizes anything was measured."""
        return [size for size in SIZES if size in {size for _, size in self._files}]

    def fact(self, part: str, size: str, name: str) -> Any:  # noqa: ANN401
        """Return what is said of a part as a whole."""
        return self._files[part, size][name]

    def records(self, part: str, size: str, **which: object) -> list[dict[str, Any]]:
        """Return the records that have these values."""
        found = self._files.get((part, size), {"records": []})["records"]
        return [
            record
            for record in found
            if all(record.get(name) == value for name, value in which.items())
        ]

    def median(
        self, part: str, size: str, figure: str = "seconds", **which: object
    ) -> float | None:
        """Return the median of the samples of the one such record, if there is one."""
        found = self.records(part, size, **which)
        return middle(found[0][figure]) if found else None


def write(results: Path, folder: Path) -> list[Path]:
    """Write the tables, the plots and a copy of the results; return the files."""
    measured = Measured(results)
    folder.mkdir(parents=True, exist_ok=True)
    if results.resolve() != folder.resolve():
        for path in results.glob("*.json"):
            shutil.copy(path, folder)
    drawn = plots.draw(measured, folder)
    report = folder / "README.md"
    lines = _report(measured, [path.name for path in drawn])
    report.write_text("\n".join(lines).rstrip() + "\n")
    return [report, *drawn]


def _report(measured: Measured, drawn: Sequence[str]) -> Iterator[str]:
    latest = measured.latest
    machine = latest["machine"]
    yield "# What was measured"
    yield ""
    yield (
        f"By `bin/benchmark`, {measured.days}: {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, {machine['system']}, PostgreSQL "
        f"{machine['postgresql']}, Python {machine['python']}, dbt {machine['dbt']}. "
        "Times are medians. Sizes are calls; with each come 0.4 orders and "
        "reservations, of 5,000 accounts: a size ten times as large is ten times as "
        "many days. Client, server and worker share the machine."
    )
    sections: Sequence[tuple[str, Callable[[Measured], Iterator[str]]]] = (
        ("Ratios, and other bars", _bars),
        ("One refresh of `metrics_daily`", _refreshes),
        ("What a refresh writes", _written),
        ("Everything again", _rebuilds),
        ("What the triggers cost a writer", _captures),
        ("What a dashboard waits for", _dashboards),
        ("dbt, and a worker", _workers),
        ("A backlog", _backlogs),
        ("Every table", _tables),
    )
    for heading, section in sections:
        lines = list(section(measured))
        if lines:
            yield from ("", f"## {heading}", "", *lines)
        if section is _refreshes:
            for name in drawn:
                yield from ("", f"![{name.removesuffix('.svg')}]({name})")


def _bars(measured: Measured) -> Iterator[str]:
    """What was promised, and what came of it at each size."""

    def refresh(size: str, name: str, changes: int = 100) -> float | None:
        return measured.median("refresh", size, what=name, changes=changes)

    def growth(size: str) -> str:
        least = measured.sizes("refresh")[:1]
        if least in ([], [size]):
            return MISSING
        return _times(refresh(size, "refresh"), refresh(least[0], "refresh"))

    def wal(size: str) -> str:
        found = measured.records("refresh", size, what="refresh written", changes=0)
        return _bytes(found[0]["wal_bytes_of_table"]) if found else MISSING

    def rebuild(size: str, executor: str) -> str:
        ours = measured.median("rebuild", size, what=f"in the database, by {executor}")
        view = measured.median("rebuild", size, what="view of the same query")
        return _times(ours, view)

    def page(size: str) -> str:
        found = measured.records("dashboards", size, what="summary", days=30)
        return _seconds(found[0]["p99"]) if found else MISSING

    def lost(size: str, clients: int) -> str:
        rates = {row[0]: str(row[-1]) for row in _insert_rates(measured, size)}
        return rates.get(clients, MISSING)

    def late(size: str) -> str:
        found = measured.records("worker", size, what="at once")
        return _seconds(percentile(found[0]["seconds"], 95)) if found else MISSING

    def tick(size: str) -> float | None:
        return measured.median("dbt", size, what="warm tick")

    def cold(size: str) -> float | None:
        return measured.median("dbt", size, what="dbt run")

    lines: Sequence[tuple[str, str, Callable[[str], str]]] = (
        (
            "100 changed rows: how much faster than `refresh … concurrently`",
            "100 times at 10m",
            lambda size: _times(refresh(size, "view"), refresh(size, "refresh")),
        ),
        (
            "100 changed rows: beside the least by hand",
            "within 3 times",
            lambda size: _times(refresh(size, "refresh"), refresh(size, "minimum")),
        ),
        ("100 changed rows: beside the smallest size", "within 1.5 times", growth),
        (
            "nothing changed",
            "under 5 ms",
            lambda size: _seconds(refresh(size, "refresh", 0)),
        ),
        ("nothing changed: WAL of the table", "none", wal),
        (
            "built again: beside `create materialized view`",
            "within 1.5 times",
            lambda size: rebuild(size, "dbt"),
        ),
        (
            "rebuilt in place: beside `create materialized view`",
            "within 1.5 times",
            lambda size: rebuild(size, "database"),
        ),
        ("30-day query as a member, p99", "under 5 ms", page),
        *(
            (
                f"single-row inserts, {clients} at a time",
                "at most 10 % fewer",
                lambda size, clients=clients: lost(size, clients),
            )
            for clients in CLIENTS
        ),
        ("change at once to visible, p95", "under 2 s", late),
        ("warm tick by dbt", "under 0.5 s", lambda size: _seconds(tick(size))),
        (
            "warm tick: how much faster than a cold dbt",
            "some 8 times",
            lambda size: _times(cold(size), tick(size)),
        ),
    )
    yield from _table(
        ("what", "bar", *measured.all_sizes()),
        [
            (what, bar, *(shown(size) for size in measured.all_sizes()))
            for what, bar, shown in lines
        ],
    )


def _refreshes(measured: Measured) -> Iterator[str]:
    sizes = measured.sizes("refresh")
    if not sizes:
        return
    yield (
        "After so many changed calls, over all accounts and days. The least that can "
        "be done by hand is a function that is given which accounts' days changed, and "
        "deletes and inserts these; the usual function computes yesterday of every "
        "account, and misses what changed before."
    )
    yield ""
    rows: list[Row] = []
    for size in sizes:
        refreshed = measured.records("refresh", size, what="refresh")
        for changes in [record["changes"] for record in refreshed]:
            times = [
                _seconds(measured.median("refresh", size, what=name, changes=changes))
                for name in CONTENDERS
            ]
            rows.append((size, _number(changes), *times))
    yield from _table(("size", "changed rows", *CONTENDERS.values()), rows)
    yield ""
    rows = []
    for size in sizes:
        differing = measured.fact("refresh", size, "rows_that_differ")
        rows.append(
            (
                size,
                _number(measured.fact("refresh", size, "rows_stored")),
                differing["view"],
                differing["minimum"],
            )
        )
    yield "The tables afterwards:"
    yield ""
    yield from _table(
        (
            "size",
            "rows",
            "that differ from the view's",
            "from those by hand",
        ),
        rows,
    )


def _written(measured: Measured) -> Iterator[str]:
    rows = [
        (
            size,
            _number(record["changes"]),
            _number(record["rows_changed"]),
            _number(record["rows_replicated"]),
            _bytes(record["wal_bytes_of_table"]),
            *(
                _bytes(
                    measured.median(
                        "refresh",
                        size,
                        "wal_bytes",
                        what=name,
                        changes=record["changes"],
                    )
                )
                for name in CONTENDERS
            ),
        )
        for size in measured.sizes("refresh")
        for record in measured.records("refresh", size, what="refresh written")
    ]
    if rows:
        yield (
            "Rows that a replica or a sync engine is sent, and bytes of WAL: of the "
            "table and its indexes, and of the whole refresh. The first change of a "
            "page after a checkpoint writes all of it, 8 kB. A materialized view "
            "cannot be replicated logically at all."
        )
        yield ""
        heads = (
            "size",
            "changed rows",
            "rows written",
            "replicated",
            "WAL of the table",
        )
        yield from _table(
            (*heads, *(f"WAL, {name}" for name in CONTENDERS.values())), rows
        )


def _rebuilds(measured: Measured) -> Iterator[str]:
    rows = [
        (
            size,
            *(
                _seconds(measured.median("rebuild", size, what=name))
                for name in REBUILDS
            ),
        )
        for size in measured.sizes("rebuild")
    ]
    if rows:
        yield (
            "Views with their unique index; the table also has its checks, its foreign "
            "keys, three indexes, and its rows are compared in a rebuild in place. The "
            "commands' own start is part of their time."
        )
        yield ""
        yield from _table(("size", *REBUILDS), rows)


def _insert_rates(measured: Measured, size: str) -> Iterator[Row]:
    """Return how many clients, and the rates without, with the least, with ours."""
    for record in measured.records(
        "capture", size, what="single rows", triggers="with"
    ):
        clients = record["clients"]
        bare, least, ours = _by_trigger(
            measured, size, "per_second", what="single rows", clients=clients
        )
        yield (
            clients,
            _number(bare),
            _number(least),
            _number(ours),
            _fewer(least, bare),
            _fewer(ours, bare),
        )


def _by_trigger(
    measured: Measured, size: str, figure: str, **which: object
) -> list[float | None]:
    """Return the medians of a figure of inserts, in the order of TRIGGERS."""
    return [
        measured.median("capture", size, figure, triggers=triggers, **which)
        for triggers in TRIGGERS
    ]


def _fewer(rate: float | None, bare: float | None) -> str:
    return f"{100 * (1 - rate / bare):.0f} % fewer" if rate and bare else MISSING


def _captures(measured: Measured) -> Iterator[str]:
    for size in measured.sizes("capture"):
        yield (
            "Calls inserted a second, one a transaction, by so many clients. The least "
            "is a trigger that appends the same row to a table, whatever was inserted."
        )
        yield ""
        heads = ("clients", "no trigger", "the least", "ours", "least", "ours")
        yield from _table(heads, list(_insert_rates(measured, size)))
        yield ""
        yield "Batches of calls of two days, by one statement:"
        yield ""
        rows: list[Row] = []
        for record in measured.records(
            "capture", size, what="batches", triggers="with"
        ):
            accounts = record["accounts"]
            bare, least, ours = _by_trigger(
                measured, size, "seconds", what="batches", accounts=accounts
            )
            more = f"{100 * (ours / bare - 1):+.0f} %" if ours and bare else MISSING
            times = [_seconds(each) for each in (bare, least, ours)]
            rows.append((_number(record["rows"]), _number(accounts), *times, more))
        yield from _table(
            ("calls", "of accounts", "no trigger", "the least", "ours", "difference"),
            rows,
        )


def _dashboards(measured: Measured) -> Iterator[str]:
    rows = [
        (
            size,
            record["days"],
            {"summary": "`metrics_daily`, as a member", "sources": "source tables"}[
                record["what"]
            ],
            _seconds(record["p50"]),
            _seconds(record["p99"]),
        )
        for size in measured.sizes("dashboards")
        for record in measured.records("dashboards", size)
    ]
    if rows:
        yield (
            "One account of 5,000, under row-level security; the source tables "
            "without, for fewer figures."
        )
        yield ""
        yield from _table(("size", "days", "from", "p50", "p99"), rows)


def _workers(measured: Measured) -> Iterator[str]:
    rows: list[Row] = []
    for part in ("dbt", "worker", "cadence"):
        for size in measured.sizes(part):
            rows += [
                (size, *line)
                for record in measured.records(part, size)
                if (line := _of_worker(part, record))
            ]
    if rows:
        yield from _table(("size", "what", "p50", "p95"), rows)


def _of_worker(part: str, record: dict[str, Any]) -> Row | None:
    """Return a line of the worker's table."""
    match part, record["what"]:
        case _, "warm tick":
            name = "a tick that refreshes one table by dbt, warm"
        case _, "dbt run" | "dbt build" as command:
            name = f"`{command}{' --select metrics_daily' * (command == 'dbt run')}`"
        case _, "at once":
            name = "commit to visible, at once"
        case _, "look":
            name = "a look at what is due, with nothing to do"
        case _, "on cadence":
            late = record["after_its_moment"]
            return (
                "visible after its cadence's moment (each minute)",
                _seconds(middle(late)),
                _seconds(percentile(late, 95)),
            )
        case _, "idle":
            return (
                "of a core, with nothing to do",
                f"{record['share_of_a_core']:.1%}",
                "",
            )
        case "worker", "peak memory":
            return "peak memory", _bytes(record["bytes"]), ""
        case _:
            return None
    times = record["seconds"]
    return name, _seconds(middle(times)), _seconds(percentile(times, 95))


def _backlogs(measured: Measured) -> Iterator[str]:
    rows: list[Row] = []
    for size in measured.sizes("backlog"):
        found = {each["what"]: each for each in measured.records("backlog", size)}
        drained, late = found["drained"], found["changes meanwhile"]["seconds"]
        memory = found["memory of the session"]["bytes"]
        rows.append(
            (
                size,
                f"{drained['periods']:,}",
                _times(
                    found["import"]["seconds"],
                    found["import without triggers"]["seconds"],
                ),
                f"{drained['periods'] / drained['seconds']:,.0f}/s",
                f"{_seconds(middle(late))}, {_seconds(percentile(late, 95))}",
                f"{_bytes(memory[0])} to {_bytes(max(memory))}",
                _bytes(drained["temporary_bytes"]),
                f"{_bytes(found['queue']['bytes'])} to "
                f"{_bytes(drained['queue_bytes_left'])}",
            )
        )
    if rows:
        yield (
            "A call for each account and day, imported at once; then a change each "
            "half second, until all is computed."
        )
        yield ""
        yield from _table(
            (
                "size",
                "periods",
                "import beside one without triggers",
                "drained",
                "a change meanwhile visible: p50, p95",
                "memory of the session",
                "temporary files",
                "queue",
            ),
            rows,
        )


def _tables(measured: Measured) -> Iterator[str]:
    for size in measured.sizes("tables"):
        yield (
            f"The demo's data of all five domains, {size} source rows or so, after its "
            "changes. The views are the plain queries that the tests compare the "
            "tables with."
        )
        yield ""
        rows = []
        for record in measured.records("tables", size):
            ours, view = middle(record["refresh"]), middle(record["view"])
            rows.append(
                (
                    f"`{record['what']}`",
                    _number(record["rows"]),
                    _number(middle(record["rows_changed"])),
                    record["rows_that_differ"],
                    _seconds(ours),
                    _seconds(view),
                    _times(view, ours),
                )
            )
        heads = ("table", "rows", "changed", "in one alone", "refresh", "view", "ratio")
        yield from _table(heads, rows)


def _table(heads: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield f"| {' | '.join(heads)} |"
        yield f"|{' --- |' * len(heads)}"
        for row in rows:
            yield f"| {' | '.join(map(str, row))} |"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return MISSING
    if seconds < 0.1:
        return (
            f"{seconds * 1000:.2g} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"
        )
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:,.0f} s"


def _times(more: float | None, less: float | None) -> str:
    if more is None or not less:
        return MISSING
    ratio = more / less
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.1f} times"


def _number(value: float | None) -> str:
    return MISSING if value is None else f"{value:,.0f}"


def _bytes(value: float | None) -> str:
    if value is None:
        return MISSING
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:,.0f} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"
