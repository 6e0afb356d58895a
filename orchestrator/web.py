"""A small HTTP server: where it listens, and what answers."""

import errno
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, NamedTuple, Self

from orchestrator import __version__
from orchestrator.errors import OrchestratorError, UsageError

HTML = "text/html; charset=utf-8"

TIMEOUT = 10.0  # seconds, for a client that is slow to ask


@dataclass(frozen=True)
class Address:
    """Where to listen: this machine alone, and any port that is free, unless named."""

    port: int = 0
    host: str = "127.0.0.1"

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
        return cls(int(port), host.removeprefix("[").removesuffix("]") or cls.host)

    @property
    def url(self) -> str:
        """The address of the page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"


class Answer(NamedTuple):
    """What a request is answered with."""

    status: HTTPStatus
    content_type: str
    body: bytes

    @classmethod
    def plain(cls, status: HTTPStatus, sentence: str) -> Self:
        """Return a sentence as an answer."""
        return cls(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())


class Server(ThreadingHTTPServer):
    """Answers requests, each in a thread of its own."""

    daemon_threads = True

    def __init__(
        self,
        address: Address,
        answer: Callable[[str, str], Answer],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the address. `answer` is given a path and the types to choose from.

        Raises OrchestratorError where the address cannot be had.
        """
        self.answer = answer
        self.headers = headers or {}
        if ":" in address.host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((address.host, address.port), _Handler)
        except OSError as error:
            raise OrchestratorError(_why_not(address, error)) from error
        self.url = Address(self.server_port, address.host).url

    def server_bind(self) -> None:
        """Listen; not as the standard library, which asks for this machine's name."""
        TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing of a client that went away or said nothing."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version = f"orchestrator/{__version__}"
    sys_version = ""
    timeout = TIMEOUT

    def do_GET(self) -> None:
        path, _, _ = self.path.partition("?")
        answer = self.server.answer(path, self.headers.get("Accept", ""))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Log nothing: a terminal has better to show than requests."""


def _why_not(address: Address, error: OSError) -> str:
    """Return why an address cannot be had, and what to do."""
    host, where = address.host, f"Port {address.port} of {address.host}"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: leave it out for 127.0.0.1."
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another program: choose another port."
    if error.errno == errno.EACCES:
        return f"{where} is the system's: choose one above 1023."
    return f"{where} cannot be listened on: {error.strerror}."
