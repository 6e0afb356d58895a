"""The docs site: dbt's own, as one file, which may be served."""

import shutil
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

from orchestrator import dbt, web
from orchestrator.database import connected, require_installed
from orchestrator.errors import OrchestratorError
from orchestrator.project import Project


class DocsError(OrchestratorError):
    """The docs site cannot be kept or shown where it was asked for."""


def write(project: Project, output: Path | None = None) -> Path:
    """Write the docs site as one file, dbt's own unless another is given; return it.

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


class Site:
    """A server of one page, to this machine alone."""

    def __init__(self, port: int) -> None:
        """Take a port; raises OrchestratorError where it cannot be had."""
        self._page: Path | None = None
        self._server = web.Server(web.Address(port), self._answer)
        self.url = self._server.url

    def serve(self, page: Path) -> None:
        """Serve until Ctrl-C."""
        self._page = page
        with suppress(KeyboardInterrupt):
            self._server.serve_forever()

    def close(self) -> None:
        """Give the port back."""
        self._server.server_close()

    def _answer(self, request: web.Request) -> web.Answer:
        """Answer with the page, whose links lie behind its `#`."""
        if request.path != "/" or self._page is None:
            return web.Answer.plain(HTTPStatus.NOT_FOUND, "There is /, and no more.")
        return web.Answer(HTTPStatus.OK, web.HTML, self._page.read_bytes())
