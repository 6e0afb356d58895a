"""The docs site: dbt's own, as one file, and a small server for it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from orchestrator import dbt
from orchestrator.database import connected, require_installed
from orchestrator.errors import OrchestratorError
from orchestrator.project import Project

HOST = "127.0.0.1"


class DocsError(OrchestratorError):
    """The docs site cannot be kept or shown where it was asked for."""


def write(project: Project, output: Path | None = None) -> Path:
    """Write the docs site as one file, dbt's own unless told another; return it.

    Raises DatabaseError where there is nothing to show yet, DbtError where dbt cannot
    make it, DocsError where it cannot be kept.
    """
    if output and not output.resolve().parent.is_dir():
        raise DocsError(f"There is no folder {output.parent} for {output.name}.")
    with connected(project) as connection:
        require_installed(connection)
    page = dbt.document(project)
    if output is None:
        return page
    try:
        shutil.copyfile(page, output)
    except OSError as error:
        raise DocsError(f"{output} cannot be written: {error.strerror}.") from error
    return output


class Site(ThreadingHTTPServer):
    """A server of one page, to this machine alone."""

    page: Path | None = None

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{HOST}:{self.server_port}/"

    def serve(self, page: Path) -> None:
        """Serve until Ctrl-C."""
        self.page = page
        with suppress(KeyboardInterrupt):
            self.serve_forever()


@contextmanager
def site(port: int) -> Iterator[Site]:
    """Take a port for the site, 0 for any that is free.

    Raises DocsError where it is taken.
    """
    try:
        server = Site((HOST, port), _Handler)
    except OSError as error:
        raise DocsError(
            f"The port {port} cannot be used ({error.strerror}): name another with "
            "--port."
        ) from error
    with server:
        yield server


class _Handler(BaseHTTPRequestHandler):
    """The site is one page, whose links lie behind its `#`."""

    server: Site

    def do_GET(self) -> None:
        """Answer with the page, which may have been written anew."""
        if self.path != "/" or self.server.page is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content = self.server.page.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""
