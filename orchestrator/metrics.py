"""The metrics: an overview in the format that Prometheus reads.

What happened is shown by gauges over the last hour, from the runs that the database
remembers: by any executor: dbt, pg_cron or a person, and whichever worker is
asked.
"""

import os
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from orchestrator import __version__
from orchestrator.overview import STATES, Overview

STATUSES = ("success", "error", "skipped", "running")
KINDS = (
    "failing",
    "stale",
    "drift",
    "quarantine",
    "clock",
    "data",
    "capture",
    "hidden",
    "stuck",
)


def exposition(overview: Overview, accept: str) -> tuple[str, bytes]:
    """Return the content type that suits what a scraper accepts, and the metrics."""
    registry = CollectorRegistry()
    registry.register(_Collector(overview))
    if os.name == "posix":
        ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept)
    return content_type, encode(registry)


class _Collector(Collector):
    """The metrics of one overview."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "orchestrator", "The worker that answers.", {"version": __version__}
        )
        yield from self._summaries()
        yield from self._runs()
        yield self._incidents()
        yield GaugeMetricFamily(
            "orchestrator_undelivered_notices",
            "Notices of incidents that no webhook has taken yet.",
            self._overview.undelivered_notices,
        )

    def _summaries(self) -> Iterator[Metric]:
        now = self._overview.asked_at
        age = _of_model(
            "age_seconds", "Time since which changes of the sources are not in it yet."
        )
        period = _of_model("period_seconds", "The present period of its cadence.")
        state = _of_model("state", "1 for the state that it is in.", "state")
        waiting = _of_model("waiting_requests", "Requests that wait for a refresh.")
        oldest = _of_model("waiting_seconds", "How long the oldest request waits.")
        failures = _of_model("failures", "Failures since its last success.")
        took = _of_model("last_run_seconds", "How long its last run took.")
        for summary in self._overview.summaries:
            model = summary.model
            for name in STATES:
                state.add_metric([model, name], name == summary.state)
            length = summary.next_due - summary.last_due
            period.add_metric([model], length.total_seconds())
            waiting.add_metric([model], summary.waiting)
            failures.add_metric([model], summary.failures)
            since = summary.waiting_since or now
            oldest.add_metric([model], max((now - since).total_seconds(), 0))
            if summary.refreshed_through:
                passed = (now - summary.refreshed_through).total_seconds()
                age.add_metric([model], max(passed, 0))
            if summary.last_duration:
                took.add_metric([model], summary.last_duration.total_seconds())
        yield from (age, period, state, waiting, oldest, failures, took)

    def _runs(self) -> Iterator[Metric]:
        runs = _of_model(
            "runs_last_hour", "Runs that began in the last hour.", "status"
        )
        counted = {(m, s): number for m, s, number in self._overview.runs_of_last_hour}
        for summary in self._overview.summaries:
            for status in STATUSES:
                number = counted.get((summary.model, status), 0)
                runs.add_metric([summary.model, status], number)
        yield runs

    def _incidents(self) -> Metric:
        incidents = GaugeMetricFamily(
            "orchestrator_open_incidents", "Incidents that are open.", labels=["kind"]
        )
        counted = Counter(incident.kind for incident in self._overview.incidents)
        for kind in KINDS:
            incidents.add_metric([kind], counted[kind])
        return incidents


def _of_model(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(
        f"orchestrator_table_{name}", documentation, labels=["model", *labels]
    )
