"""The status page and the metrics over HTTP, from a thread of the worker's.

Each answer is read by a connection of its own, which waits for nobody for long
and writes nothing, so that no number of readers disturbs the refreshes.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote

import psycopg
from psycopg import Connection

from orchestrator import metrics, overview, page, pauses, summaries, table_details, web
from orchestrator.database import connect, plain_errors
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.profiles import ConnectionProfile
from orchestrator.queries import query
from orchestrator.table_details import Question
from orchestrator.web import Answer

T = TypeVar("T")

TABLES = "/tables/"

# How long an answer may be given again, in seconds: charts change slowly and may
# have many rows to read.
FRESH = 1.0
CHARTS_FRESH = 60.0

SETTINGS = """
set session characteristics as transaction read only;
set statement_timeout = '10s';
set lock_timeout = '2s'
"""

SCRIPT = base64.b64encode(hashlib.sha256(page.RELOAD.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{SCRIPT}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
}


class StatusServer:
    """Answers requests while its block goes on."""

    def __init__(
        self,
        address: web.Address,
        profile: Callable[[], ConnectionProfile],
        token: str | None = None,
    ) -> None:
        """Take the address; raises OrchestratorError where that cannot be had."""
        self._profile = profile
        self._overview = _TTLCache(self._look, FRESH)
        self._health = _TTLCache(self._reach_database, FRESH)
        self._charts = _TTLCache(self._read_charts, CHARTS_FRESH)
        self._may_act = token is not None
        self._refreshes: dict[str, threading.Thread] = {}
        self._server = web.Server(
            address, self._answer, HEADERS, token, open_paths=["/healthz"]
        )
        self.url = self._server.url
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: web.Request) -> Answer:
        path = request.path
        try:
            with plain_errors():
                if path.startswith(TABLES):
                    return self._answer_of_table(path.removeprefix(TABLES), request)
                if path == "/":
                    return Answer(HTTPStatus.OK, web.HTML, self._page(request.query))
                if path == "/metrics":
                    text = metrics.exposition(self._overview.get(), request.accept)
                    return Answer(HTTPStatus.OK, *text)
                if path == "/healthz":
                    self._health.get()
                    return Answer.plain(HTTPStatus.OK, "ok")
        except UsageError as error:
            return Answer.plain(HTTPStatus.NOT_FOUND, str(error))
        except OrchestratorError as error:
            return Answer.plain(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return Answer.plain(
            HTTPStatus.NOT_FOUND,
            "There are /, /tables/NAME, /metrics and /healthz, and nothing else.",
        )

    def _answer_of_table(self, model: str, request: web.Request) -> Answer:
        if request.method == "POST":
            self._act(model, request.form)
            return Answer.see(f"./{quote(model, safe='')}")
        given = request.query
        asked = Question(
            given.get("tenant") or None,
            given.get("search", ""),
            given.get("status") or None,
            given.get("sort", "began"),
        )
        with self._connection() as connection:
            table = table_details.look(connection, model, asked)
        shown = page.render_table(table, asked, may_act=self._may_act)
        return Answer(HTTPStatus.OK, web.HTML, shown.encode())

    def _act(self, model: str, form: Mapping[str, str]) -> None:
        """Do what a button asks for; a refresh goes on after the answer."""
        with connect(self._profile()) as connection:
            summaries.require(connection, model)
            match form.get("action"):
                case "pause":
                    length, reason = form.get("length", ""), form.get("reason", "")
                    pauses.pause(connection, [model], reason, length=length)
                case "resume":
                    pauses.resume(connection, [model])
                case "refresh":
                    self._refresh(model)
                case "rebuild":
                    asked = dict.fromkeys(("tenant", "first", "last"))
                    connection.execute(query("request"), {"model": model, **asked})
                    self._refresh(model)
                case _:
                    raise UsageError("There are refresh, rebuild, pause and resume.")

    def _refresh(self, model: str) -> None:
        """Refresh a table in the background, unless that is under way."""
        under_way = self._refreshes.get(model)
        if under_way is None or not under_way.is_alive():
            self._refreshes[model] = threading.Thread(
                target=self._refresh_now, args=[model], daemon=True
            )
            self._refreshes[model].start()

    def _refresh_now(self, model: str) -> None:
        # What goes wrong is in the run that it leaves.
        with (
            suppress(OrchestratorError, psycopg.Error),
            connect(self._profile()) as connection,
        ):
            summaries.refresh_in_slices(connection, model)

    def _page(self, asked: Mapping[str, str]) -> bytes:
        seen = self._overview.get()
        listing = page.Listing(seen, asked.get("q", ""), asked.get("sort", "urgency"))
        try:
            charts, lack = self._charts.get(), None
        except psycopg.Error as error:  # such as a table that is being replaced
            charts, lack = [], error.diag.message_primary
        shown = page.render(seen, charts, live=True, lack=lack, listing=listing)
        return shown.encode()

    def _reach_database(self) -> None:
        with self._connection():
            pass

    def _look(self) -> overview.Overview:
        with self._connection() as connection:
            return overview.look(connection)

    def _read_charts(self) -> list[overview.Chart]:
        with self._connection() as connection:
            return overview.charts(connection)

    def _connection(self) -> Connection[Any]:
        connection = connect(self._profile())
        connection.execute(SETTINGS)
        return connection


class _TTLCache(Generic[T]):
    """What was read a moment ago, or why it could not be, for all who ask then."""

    def __init__(self, read: Callable[[], T], fresh: float) -> None:
        self._read = read
        self._fresh = fresh
        self._lock = threading.Lock()
        self._answer: Future[T] = Future()
        self._until = 0.0

    def get(self) -> T:
        with self._lock:
            if time.monotonic() > self._until:
                self._answer, fresh = Future(), self._fresh
                try:
                    self._answer.set_result(self._read())
                except (OrchestratorError, psycopg.Error) as error:
                    self._answer.set_exception(error)
                    fresh = FRESH
                self._until = time.monotonic() + fresh
        return self._answer.result()
