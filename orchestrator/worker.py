"""The worker: refreshes what is due and what is asked for, until it is stopped.

A tick is one question to the database and, where there is work, one warm run of
dbt over all of it, in a transaction that tells other workers what is taken. What
dies with the worker is its transactions: their locks go, the requests stay.

What is to be served immediately does not wait for that: another thread polls for it in
tens of milliseconds, and has the database refresh by itself. dbt tests those rows
afterwards.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
from psycopg import Connection

from orchestrator import refresh_runs, upkeep, web, webhook
from orchestrator.database import DatabaseError, connect
from orchestrator.dbt import Execution, LoadedProject, NotNowError
from orchestrator.errors import OrchestratorError
from orchestrator.journal import Journal
from orchestrator.profiles import ConnectionProfile, connection_profile
from orchestrator.project import Project
from orchestrator.queries import query
from orchestrator.runs import Run, of_execution, record_drift, tested
from orchestrator.status_server import StatusServer

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

# Seconds between checks of what seldom changes, and between retries of what failed.
FILES_INTERVAL = 2.0
NOTICES_INTERVAL = 2.0
WATCH_INTERVAL = 10.0
MAINTENANCE_INTERVAL = 60.0
IMMEDIATE_INTERVAL = 0.04
TESTS_INTERVAL = 5.0
RELOAD_INTERVAL = 60.0
RECONNECT = (1.0, 30.0)

MAINTENANCE_AT = "03:30"  # UTC
SAMPLE = 200

# What the database says where it has not, or no longer, what a build leaves.
NOT_BUILT = (
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedTable,
)


class Worker:
    """A process that keeps the summary tables of one project fresh."""

    def __init__(
        self,
        project: Project,
        journal: Journal,
        *,
        poll_interval: float = 1.0,
        webhook_url: str | None = None,
        maintenance_at: str = MAINTENANCE_AT,
        http: web.Address | None = None,
        http_token: str | None = None,
    ) -> None:
        self._project = project
        self._journal = journal
        self._poll_interval = poll_interval
        self._webhook_url = webhook.check(webhook_url) if webhook_url else None
        self._maintenance_at = maintenance_at
        self._profile = connection_profile(project)
        self._is_open = http is not None and not (http.is_local or http_token)
        self._status = (
            StatusServer(http, lambda: self._profile, http_token) if http else None
        )
        self._loaded: LoadedProject | None = None
        self._files: object = None
        self._looked: dict[str, float] = {}
        self._complaints: dict[str, str] = {}
        self._done: set[str] = set()
        self._stopping = threading.Event()
        self._stopped_by: signal.Signals | None = None
        self._deploying = threading.Event()
        self._meanwhile = BackgroundTask(self._serve_meanwhile)
        self._immediate = BackgroundTask(self._serve_immediately)
        self._untested: SimpleQueue[Run] = SimpleQueue()
        self._notices = BackgroundTask(self._deliver)
        self._audits = BackgroundTask(self._audit)

    def work(self) -> signal.Signals | None:
        """Work until a signal, and return which: SIGTERM or SIGINT.

        The first one lets the transactions under way end, a second one does not.
        """
        # What is immediate is not to wait for dbt, which computes in this process.
        sys.setswitchinterval(0.0005)
        with self._handling_signals():
            self._journal.say(f"The worker has started, process {os.getpid()}.")
            with self._serving_status():
                self._work_until_stopped()
            self._meanwhile.stop()
            self._immediate.stop()
            self._notices.stop(webhook.TIMEOUT)
            self._audits.stop(1.0)
        self._journal.say("The worker has stopped.")
        return self._stopped_by

    def _work_until_stopped(self) -> None:
        """Work over one connection after the other, as each one is lost."""
        wait, longest = RECONNECT
        while not self._stopping.is_set():
            try:
                with connect(self._profile) as connection:
                    self._tick(connection)
                    self._settle("database", "The database is back.")
                    wait, _ = RECONNECT
                    self._serve(connection)
                break
            except (OrchestratorError, psycopg.Error) as error:
                self._complain("database", f"{_words(error)} Trying again.")
                if self._loaded is None:
                    self._looked.pop("project", None)
                self._stopping.wait(wait)
                wait = min(wait * 2, longest)
                self._read_profile()

    @contextmanager
    def _serving_status(self) -> Iterator[None]:
        if self._status is None:
            yield
            return
        with self._status:
            self._journal.say(f"The status page is at {self._status.url}")
            if self._is_open:
                self._journal.say(
                    "Anybody who reaches that address can read it: give "
                    "ORCHESTRATOR_HTTP_TOKEN a token."
                )
            yield

    def _read_profile(self) -> None:
        """Reload a profile that has changed, such as a new password."""
        with suppress(OrchestratorError):
            self._profile = connection_profile(self._project)

    def _serve(self, connection: Connection[Any]) -> None:
        while not self._stopping.is_set():
            if not self._tick(connection):
                self._stopping.wait(self._poll_interval)

    def _tick(self, connection: Connection[Any]) -> bool:
        """Do what there is to do; return whether that may have led to more."""
        self._redeploy_if_changed(connection)
        self._immediate.start(self._profile)
        try:
            names = refresh_runs.claim_due(connection)
            names += [n for n in self._outdated(connection) if n not in names]
            runs = self._refresh(connection, names) if names else []
        except NOT_BUILT:
            self._unload()
            return False
        self._test_untested(connection)
        self._look_around(connection, failed=any(run.failed for run in runs))
        # Again at once for what that has led to; but a model that is asked for all
        # the time waits its turn, and leaves one to other workers.
        done = {run.model for run in runs if run.status == "success"}
        leads_on = not done <= self._done
        self._done = self._done | done if leads_on else set()
        return leads_on

    def _refresh(self, connection: Connection[Any], names: list[str]) -> list[Run]:
        with refresh_runs.keeping(connection, names) as kept:
            if self._loaded is None or not kept:
                return list(self._refresh_without_dbt(kept))
            try:
                models = [m for m in self._loaded.summaries() if m.name in kept]
                runs = refresh_runs.build(
                    self._loaded, connection, models, self._hold_back, installs=False
                )
            except OrchestratorError as error:
                self._fall_back_to_database(connection, error)
                return list(self._refresh_without_dbt(kept))
            for run in runs:
                self._journal.refreshed(run)
            return runs

    def _outdated(self, connection: Connection[Any]) -> list[str]:
        """Return what this state of the project could not build, to be tried again."""
        if self._loaded is None or not self._is_time_to("retry", WATCH_INTERVAL):
            return []
        names = [model.name for model in self._loaded.summaries()]
        return refresh_runs.outdated(connection, self._loaded, names)

    def _refresh_without_dbt(self, names: Sequence[str]) -> Iterator[Run]:
        """Have the database refresh by itself what was built at least once."""
        with connect(self._profile) as connection:
            yield from self._refresh_in_database(connection, names)

    def _refresh_in_database(
        self, connection: Connection[Any], names: Sequence[str]
    ) -> Iterator[Run]:
        for name in names:
            if self._stopping.is_set():
                return
            asked = {"model": name, "invocation": str(uuid4())}
            if connection.execute(query("begin_run"), asked).fetchone():
                while (
                    _answer(connection, "refresh_in_run", **asked) == "running"
                    and not self._stopping.is_set()
                ):
                    pass
                execution = Execution(asked["invocation"], ())
                for run in of_execution(connection, execution):
                    self._journal.refreshed(run)
                    yield run

    def _serve_immediately(self, connection: Connection[Any]) -> None:
        """Refresh what does not wait for a tick, until the worker stops."""
        with connect(self._profile) as refreshing:
            while not self._stopping.is_set():
                wait = IMMEDIATE_INTERVAL
                if _answer(connection, "immediate_waits"):
                    rows = connection.execute(query("claim_immediate"))
                    names = [name for (name,) in rows]
                    with refresh_runs.keeping(connection, names) as kept:
                        for run in self._refresh_in_database(refreshing, kept):
                            if run.rows_changed:
                                self._untested.put(run)
                    if not kept:  # another is at it, or it has just failed
                        wait = self._poll_interval
                self._stopping.wait(wait)

    def _test_untested(self, connection: Connection[Any]) -> None:
        """Have dbt test the rows that the database has changed by itself."""
        if (
            self._untested.empty()
            or self._loaded is None
            or not self._is_time_to("tests", TESTS_INTERVAL)
        ):
            return
        runs = []
        while not self._untested.empty():
            runs.append(self._untested.get())
        since = min(run.started_at for run in runs if run.started_at)
        try:
            execution = self._loaded.test(sorted({run.model for run in runs}), since)
        except OrchestratorError as error:
            self._fall_back_to_database(connection, error)
            return
        for run in tested(execution):
            record_drift(connection, [run])
            self._journal.refreshed(run)

    def _hold_back(self, event: "EventMsg") -> None:
        """Keep dbt from beginning anything once the worker is to stop."""
        if event.info.name == "LogStartLine" and self._stopping.is_set():
            raise NotNowError

    # The project

    def _redeploy_if_changed(self, connection: Connection[Any]) -> None:
        """Bring the project into the database, at first and when it was edited."""
        try:
            if not self._is_project_news():
                return
            with connection.transaction():
                if not _answer(connection, "try_deploy"):
                    # Another worker is at it: see later what that leaves to do.
                    self._looked.pop("project", None)
                    return
                loaded = LoadedProject(self._project)
                with self._serving_meanwhile():
                    runs = refresh_runs.deploy(
                        loaded, connection, loaded.summaries(), self._hold_back
                    )
        except OrchestratorError as error:
            self._fall_back_to_database(connection, error)
            return
        loaded.settle()
        self._loaded = loaded
        self._settle("project", "dbt refreshes again.")
        for run in runs:
            self._journal.refreshed(run)

    @contextmanager
    def _serving_meanwhile(self) -> Iterator[None]:
        """For the length of a block, have the database refresh by itself."""
        self._deploying.set()
        self._meanwhile.start(self._profile)
        try:
            yield
        finally:
            self._deploying.clear()

    def _serve_meanwhile(self, connection: Connection[Any]) -> None:
        while self._deploying.is_set() and not self._stopping.is_set():
            names = refresh_runs.claim_due(connection)
            with refresh_runs.keeping(connection, names) as kept:
                list(self._refresh_without_dbt(kept))
            self._stopping.wait(self._poll_interval)

    def _is_project_news(self) -> bool:
        """Whether the project is to be read, at first, again or once more."""
        if self._loaded is None and self._is_time_to("project", RELOAD_INTERVAL):
            return True
        if not self._is_time_to("files", FILES_INTERVAL):
            return False
        if self._loaded is not None:
            return self._loaded.is_outdated()
        return self._files not in (None, self._project.files())

    def _unload(self) -> None:
        """Forget that the database has what the project brings into it."""
        if self._loaded is not None:
            self._loaded = None
            self._looked.pop("project", None)

    def _fall_back_to_database(
        self, connection: Connection[Any], error: Exception
    ) -> None:
        """Let the database refresh by itself until the project is repaired.

        Raises instead where it is the database that has gone.
        """
        connection.execute("select 1")
        self._loaded = None
        self._looked["project"] = time.monotonic()
        try:
            self._files = self._project.files()
        except OrchestratorError:
            self._files = ()
        self._complain(
            "project",
            f"dbt cannot refresh: {error} Until it can, the database refreshes by "
            "itself.",
        )

    # What happens beside the refreshes

    def _look_around(self, connection: Connection[Any], *, failed: bool) -> None:
        if self._is_time_to("all", WATCH_INTERVAL) or failed:
            connection.execute(query("watch"))
        if (
            self._webhook_url
            and self._is_time_to("notices", NOTICES_INTERVAL)
            and _answer(connection, "notices_wait")
        ):
            self._notices.start(self._profile)
        if self._is_time_to("clock", MAINTENANCE_INTERVAL) and self._to_audit(
            connection
        ):
            self._audits.start(self._profile)

    def _deliver(self, connection: Connection[Any]) -> None:
        done = webhook.deliver(
            connection, self._webhook_url or "", self._profile.target
        )
        if done.failure:
            self._complain("webhook", f"The webhook took no notice: {done.failure}.")
        elif done.delivered:
            self._settle("webhook", "The webhook takes notices again.")

    def _audit(self, connection: Connection[Any]) -> None:
        """Once a night: audit a sample of each summary table, forget old histories."""
        for name in self._to_audit(connection):
            with connection.transaction():
                is_ours = _answer(connection, "try_audit", model=name)
                if not is_ours or self._stopping.is_set():
                    continue
                for audit in upkeep.audit(connection, [name], SAMPLE):
                    if audit.message:
                        self._journal.say(audit.message)
        connection.execute(query("housekeep"))

    def _to_audit(self, connection: Connection[Any]) -> list[str]:
        rows = connection.execute(query("to_audit"), {"at": self._maintenance_at})
        return [name for (name,) in rows]

    # Clocks, complaints and signals

    def _is_time_to(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now - self._looked.get(what, -every) < every:
            return False
        self._looked[what] = now
        return True

    def _complain(self, about: str, message: str) -> None:
        """Say what is wrong, once until it is settled."""
        if about not in self._complaints:
            self._complaints[about] = message
            self._journal.say(message)

    def _settle(self, about: str, message: str) -> None:
        if self._complaints.pop(about, None):
            self._journal.say(message)

    @contextmanager
    def _handling_signals(self) -> Iterator[None]:
        def note(number: int, _: FrameType | None) -> None:
            if self._stopping.is_set():
                raise KeyboardInterrupt
            self._stopped_by = signal.Signals(number)
            self._stopping.set()

        signals = (signal.SIGTERM, signal.SIGINT)
        before = {each: signal.signal(each, note) for each in signals}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


class BackgroundTask:
    """Something that a thread with a connection of its own does, once at a time.

    What goes wrong there is tried again at the next start.
    """

    def __init__(self, do: Callable[[Connection[Any]], None]) -> None:
        self._do = do
        self._thread: threading.Thread | None = None
        self._connection: Connection[Any] | None = None

    def start(self, profile: ConnectionProfile) -> None:
        """Do it in the background, unless it is under way."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._run, args=[profile], daemon=True
            )
            self._thread.start()

    def stop(self, patience: float | None = None) -> None:
        """Let it end, or end it once patience does."""
        if self._thread is not None:
            self._thread.join(patience)
            if self._thread.is_alive() and self._connection is not None:
                self._connection.cancel_safe(timeout=1.0)
                self._thread.join(1.0)

    def _run(self, profile: ConnectionProfile) -> None:
        try:
            with connect(profile) as self._connection:
                self._do(self._connection)
        except (DatabaseError, psycopg.Error):
            pass  # the worker's own connection says what is wrong
        finally:
            self._connection = None


def _answer(connection: Connection[Any], name: str, **asked: object) -> Any:  # noqa: ANN401
    row = connection.execute(query(name), asked).fetchone()
    return row and row[0]


def _words(error: Exception) -> str:
    """Return what the database said, as a sentence."""
    if isinstance(error, psycopg.Error):
        said = error.diag.message_primary or " ".join(str(error).split())
        return f"The database says: {said.rstrip('.')}."
    return f"{str(error).rstrip('.')}."
