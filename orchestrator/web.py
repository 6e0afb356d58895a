"""The status page and the metrics over HTTP, from a thread of the worker's.

Each answer is read by a connection of its own, which waits for nobody for long
and writes nothing, so that no number of readers disturbs the refreshes.
"""

import base64
import errno
import hashlib
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import psycopg
from psycopg import Connection

from orchestrator import __version__, metrics, overview, page
from orchestrator.database import connect, plain_errors
from orchestrator.dbt import ConnectionProfile
from orchestrator.errors import OrchestratorError, UsageError

T = TypeVar("T")

# How long an answer may be given again, in seconds: charts change slowly and may
# have many rows to read.
FRESH = 1.0
CHARTS_FRESH = 60.0

TIMEOUT = 10.0  # seconds, for a client that is slow to ask

SETTINGS = """
set session characteristics as transaction read only;
set statement_timeout = '10s';
set lock_timeout = '2s'
"""

SCRIPT = base64.b64encode(hashlib.sha256(page.RELOAD.encode()).digest()).decode()
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    f"script-src 'sha256-{SCRIPT}'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Address:
    """Where to listen; port 0 is any that is free."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read [HOST]:PORT; without a host it is this machine alone.

        Raises UsageError where it is none.
        """
        host, colon, port = text.rpartition(":")
        if not (colon and port.isdecimal() and int(port) < 65536):
            raise UsageError(
                f'"{text}" is no address to listen on: write :9090 for this machine '
                "alone, or HOST:9090."
            )
        return cls(host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port))

    @property
    def url(self) -> str:
        """The address of the page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"


class StatusServer:
    """Answers requests while its block goes on."""

    def __init__(
        self, address: Address, profile: Callable[[], ConnectionProfile]
    ) -> None:
        """Take the address; raises OrchestratorError where that cannot be had."""
        self._profile = profile
        self._overview = _Kept(self._look, FRESH)
        self._health = _Kept(self._reach_database, FRESH)
        self._charts = _Kept(self._read_charts, CHARTS_FRESH)
        self._server = _listen(address, self)
        self.address = Address(address.host, self._server.server_port)
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

    def answer(self, path: str, accept: str) -> tuple[HTTPStatus, str, bytes]:
        """Return the status, the content type and the body of an answer."""
        try:
            with plain_errors():
                if path == "/":
                    return HTTPStatus.OK, "text/html; charset=utf-8", self._page()
                if path == "/metrics":
                    text = metrics.exposition(self._overview.get(), accept)
                    return HTTPStatus.OK, *text
                if path == "/healthz":
                    self._health.get()
                    return _plain(HTTPStatus.OK, "ok")
        except OrchestratorError as error:
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return _plain(
            HTTPStatus.NOT_FOUND,
            "There are /, /metrics and /healthz, and nothing else.",
        )

    def _page(self) -> bytes:
        seen = self._overview.get()
        try:
            charts, lack = self._charts.get(), None
        except psycopg.Error as error:  # such as a table that is being replaced
            charts, lack = [], error.diag.message_primary
        return page.render(seen, charts, live=True, lack=lack).encode()

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


class _Kept(Generic[T]):
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: Address, status: StatusServer) -> None:
        self.status = status
        if ":" in address.host:
            self.address_family = socket.AF_INET6
        super().__init__((address.host, address.port), _Handler)

    def server_bind(self) -> None:
        # Not the standard library's, which asks the name service for this machine.
        TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing of a client that went away or said nothing."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = f"orchestrator/{__version__}"
    sys_version = ""
    timeout = TIMEOUT

    def do_GET(self) -> None:
        path, _, _ = self.path.partition("?")
        accept = self.headers.get("Accept", "")
        status, content_type, body = self.server.status.answer(path, accept)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Log nothing: the worker's lines are of its work."""


def _plain(status: HTTPStatus, sentence: str) -> tuple[HTTPStatus, str, bytes]:
    return status, "text/plain; charset=utf-8", f"{sentence}\n".encode()


def _listen(address: Address, status: StatusServer) -> _Server:
    where = f"Port {address.port} of {address.host}"
    try:
        return _Server(address, status)
    except socket.gaierror as error:
        raise OrchestratorError(
            f"{address.host} is no address of this machine: write :{address.port} for "
            "this machine alone."
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what = f"{where} is taken by another program: choose another port."
        elif error.errno == errno.EACCES:
            what = f"{where} is the system's: choose one above 1023."
        elif error.errno == errno.EADDRNOTAVAIL:
            what = f"{address.host} is no address of this machine: choose another."
        else:
            what = f"{where} cannot be listened on: {error.strerror}."
        raise OrchestratorError(what) from error
