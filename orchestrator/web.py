"""A small HTTP server: where it listens, who may ask, and what answers.

waitress reads and writes in one thread, so that a client that is slow holds none, and
has a few threads answer.
"""

import errno
import hmac
import ipaddress
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple, Self, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server

from orchestrator.errors import OrchestratorError, UsageError

HTML = "text/html; charset=utf-8"

THREADS = 4
CONNECTIONS = 400
LARGEST_BODY = 10_000  # bytes
# Seconds after which a connection is closed on which no request is complete.
DEADLINE = 10

COOKIE = "orchestrator_token"

COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


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

    @property
    def is_local(self) -> bool:
        """Whether only this machine can ask."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def is_called(self, host: str) -> bool:
        """Say whether a request's Host may mean this server.

        A stranger's page that a browser shows can have its own name resolve
        to this machine, and then reads what it is answered. An address or localhost
        it cannot pretend to be.
        """
        name = (urlsplit(f"//{host}").hostname or "") if host else ""
        if name in ("localhost", self.host.lower()):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


@dataclass(frozen=True)
class Request:
    """What is asked; `form` is what a POST brings along."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = ""
    method: str = "GET"
    form: Mapping[str, str] = field(default_factory=dict)


def check_token(token: str) -> str:
    """Return a token; raise UsageError for one that may be guessed or sent wrong."""
    if not re.fullmatch(r"[\w.~-]{16,}", token, re.ASCII):
        raise UsageError(
            "The token needs 16 or more letters, digits, - and _; for one of its own: "
            "openssl rand -hex 24"
        )
    return token


class Answer(NamedTuple):
    """What a request is answered with."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def plain(cls, status: HTTPStatus, sentence: str) -> Self:
        """Return a sentence as an answer."""
        return cls(status, "text/plain; charset=utf-8", f"{sentence}\n".encode())

    @classmethod
    def see(cls, location: str, *headers: tuple[str, str]) -> Self:
        """Return where to look instead."""
        seen = cls.plain(HTTPStatus.SEE_OTHER, f"See {location}")
        return seen._replace(headers=(("Location", location), *headers))


class Server:
    """Answers requests, a few at a time.

    With a token, who asks must have it: as `Authorization: Bearer`, or in the query
    once, for which a browser gets a cookie. `open_paths` need none.
    """

    def __init__(
        self,
        address: Address,
        answer: Callable[[Request], Answer],
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        open_paths: Iterable[str] = (),
    ) -> None:
        """Take the address; raises OrchestratorError where that cannot be had."""
        self._answer = answer
        self._headers = {**COMMON_HEADERS, **(headers or {})}
        self._token = token
        self._open_paths = frozenset(open_paths)
        self._stopping = threading.Event()
        logging.getLogger("waitress").setLevel(logging.CRITICAL)
        listening = _listen(address)
        self._address = Address(listening.getsockname()[1], address.host)
        self.url = self._address.url
        self._sockets: dict[int, Any] = {}
        server = create_server(
            self._respond,
            map=self._sockets,
            sockets=[listening],
            threads=THREADS,
            connection_limit=CONNECTIONS,
            channel_timeout=DEADLINE,
            cleanup_interval=1,
            max_request_body_size=LARGEST_BODY,
            asyncore_use_poll=True,
            ident="orchestrator",
        )
        # For one socket it is a server itself.
        self._server = cast(BaseWSGIServer, server)
        self._server.channel_class = _Channel

    def serve_forever(self) -> None:
        """Answer until it is shut down."""
        while not self._stopping.is_set():
            self._server.asyncore.loop(
                timeout=1.0, use_poll=True, map=self._sockets, count=1
            )

    def shutdown(self) -> None:
        """Have serve_forever() return."""
        self._stopping.set()
        self._server.pull_trigger()

    def server_close(self) -> None:
        """Give the address back."""
        self._server.task_dispatcher.shutdown(timeout=1)
        self._server.close()

    def _respond(
        self, environ: Mapping[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        answer = self._decide(environ)
        headers = [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            *self._headers.items(),
            *answer.headers,
        ]
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _decide(self, environ: Mapping[str, Any]) -> Answer:
        """Answer who may ask, and say why not to anybody else."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        if refusal := self._refuse(environ, path, query):
            return refusal
        form: dict[str, str] = {}
        if method == "POST":
            if not self._token or not _is_of_same_origin(environ):
                return Answer.plain(
                    HTTPStatus.FORBIDDEN,
                    "Only the page itself asks for that, of a worker with a token.",
                )
            body = environ["wsgi.input"].read(LARGEST_BODY)
            form = dict(parse_qsl(body.decode(errors="replace")))
        elif method not in ("GET", "HEAD"):
            return Answer.plain(HTTPStatus.METHOD_NOT_ALLOWED, "There is GET and HEAD.")
        return self._answer(
            Request(path, query, environ.get("HTTP_ACCEPT", ""), method, form)
        )

    def _refuse(
        self, environ: Mapping[str, Any], path: str, query: dict[str, str]
    ) -> Answer | None:
        given = query.pop("token", "")
        bearer = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        if self._is_token(bearer) or self._is_token(_cookie(environ)):
            return None
        if self._is_token(given):
            # Out of the address, which a browser remembers and shows.
            location = path + (f"?{urlencode(query)}" if query else "")
            cookie = f"{COOKIE}={given}; HttpOnly; SameSite=Lax; Path=/"
            return Answer.see(location, ("Set-Cookie", cookie))
        if not self._address.is_called(environ.get("HTTP_HOST", "")):
            return Answer.plain(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"This is {self.url}, and answers to no other name without a token.",
            )
        if self._token and path not in self._open_paths:
            return Answer.plain(
                HTTPStatus.UNAUTHORIZED,
                "This needs the worker's token: add ?token=… once, or send it as "
                "Authorization: Bearer …",
            )._replace(headers=(("WWW-Authenticate", "Bearer"),))
        return None

    def _is_token(self, given: str) -> bool:
        return bool(self._token) and hmac.compare_digest(
            given.encode(errors="replace"), (self._token or "").encode()
        )


class _Channel(HTTPChannel):
    """A connection, on which a part of a request is no sign of life."""

    def handle_read(self) -> None:
        before = self.last_activity
        super().handle_read()
        if self.request is not None:
            self.last_activity = before


def _cookie(environ: Mapping[str, Any]) -> str:
    try:
        found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_of_same_origin(environ: Mapping[str, Any]) -> bool:
    """Say whether a page of this server's has asked, and no other's."""
    site = environ.get("HTTP_SEC_FETCH_SITE")
    origin = environ.get("HTTP_ORIGIN")
    if site is not None:
        return bool(site == "same-origin")
    return origin is None or urlsplit(origin).netloc == environ.get("HTTP_HOST")


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
    except OSError as error:
        listening.close()
        raise OrchestratorError(_why_not(address, error)) from error
    return listening


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
