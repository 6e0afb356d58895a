"""A domain's summary tables, and whether they hold what a first build would make."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg.sql import SQL, Identifier


@cache
def declared(kind: str) -> dict[str, Any]:
    """What the project's YAML files say of the `models` or the `sources`."""
    files = Path(__file__).parents[1].glob("models/**/*.yml")
    return {
        entry["name"]: entry
        for path in sorted(files)
        for entry in yaml.safe_load(path.read_text()).get(kind, [])
    }


@dataclass(frozen=True)
class Summary:
    """A summary table, and how far its rows follow from the sources alone."""

    model: str
    relation: str
    calendar: str
    tenant: str | None
    uncompared: list[str]
    is_persistent: bool
    is_frozen: bool


@dataclass(frozen=True)
class World:
    """A domain's summary tables in a database, each after what it reads."""

    connection: psycopg.Connection
    summaries: list[Summary]

    @classmethod
    def of(cls, connection: psycopg.Connection, domain: str) -> "World":
        rows = connection.execute(
            "select model, relation, calendar, tenant, upstream"
            " from orchestrator.models where sources[1] like %s order by model",
            [f"{domain}.%"],
        ).fetchall()
        ordered: list[Summary] = []
        while len(ordered) < len(rows):
            done = {summary.model for summary in ordered}
            for model, relation, calendar, tenant, upstream in rows:
                if model not in done and done.issuperset(upstream):
                    config = declared("models")[model]["config"]
                    meta = config["meta"]
                    volatile_columns = meta.get("volatile_columns", ["computed_at"])
                    kept = config.get("merge_exclude_columns", [])
                    summary = Summary(
                        model,
                        relation,
                        calendar,
                        tenant,
                        uncompared=volatile_columns + kept,
                        is_persistent=meta.get("persistent", False),
                        is_frozen=meta["period"].get("frozen", False),
                    )
                    ordered.append(summary)
        return cls(connection, ordered)

    def refresh(self) -> dict[str, int]:
        """Refresh everything in order; return how many rows of what changed."""
        changed = {}
        for summary in self.summaries:
            ((status, _, rows, error),) = self.connection.execute(
                "select * from analytics.refresh(%s)", [summary.model]
            ).fetchall()
            assert status == "success", f"{summary.model}: {error}"
            if rows:
                changed[summary.model] = rows
        return changed

    def rebuild(self) -> dict[str, int]:
        """Recompute every row in its place; return how many of what changed."""
        for summary in self.summaries:
            self.connection.execute(
                "insert into orchestrator.refresh_queue (model, reason)"
                " values (%s, 'rebuild')",
                [summary.model],
            )
        return self.refresh()

    def empty(self) -> None:
        for summary in self.summaries:
            self.connection.execute(SQL("truncate {}").format(SQL(summary.relation)))

    def contents(self) -> dict[str, Counter[str]]:
        """The rows that follow from the sources alone.

        Not volatile columns, nor columns that are kept as they were first; not tables
        whose past is frozen; and not inactive tenants, whose periods end wherever they
        had come to.
        """
        return {
            summary.model: self._rows(summary)
            for summary in self.summaries
            if not summary.is_frozen
        }

    def assert_as_built(self) -> None:
        """Compare with what emptied tables are filled with; leave these."""
        before = self.contents()
        self.empty()
        self.rebuild()
        built = self.contents()
        for summary in self.summaries:
            if summary.is_persistent:  # it may remember more
                before[summary.model] &= built[summary.model]
        assert before == built

    def _rows(self, summary: Summary) -> Counter[str]:
        inactive = SQL("select where false")
        if summary.tenant:
            inactive = SQL(
                "select from {} as calendar"
                " where not calendar.is_active and calendar.{} = target.{}"
            ).format(SQL(summary.calendar), *[Identifier(summary.tenant)] * 2)
        rows = self.connection.execute(
            SQL(
                "select (to_jsonb(target) - %s::text[])::text from {} as target"
                " where not exists ({})"
            ).format(SQL(summary.relation), inactive),
            [summary.uncompared],
        )
        return Counter(row for (row,) in rows)
