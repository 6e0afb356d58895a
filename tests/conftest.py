"""Fixtures: real servers of each supported end, and fresh databases on them."""

import os
from collections.abc import Iterator

import pytest
from servers import temporary_database, temporary_server

from orchestrator.binaries import system_binaries
from orchestrator.server import Server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each server's tests to one worker, which alone starts that server."""
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            server = item.callspec.params.get("server")
            item.add_marker(pytest.mark.xdist_group(str(server)))


@pytest.fixture(scope="session", params=["embedded", 15], ids=["pg18", "pg15"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The newest PostgreSQL, embedded, then the oldest, the system's own."""
    binaries = None
    if request.param != "embedded":
        binaries = system_binaries(request.param)
        if binaries is None:
            missing = f"PostgreSQL {request.param} is not installed on this system"
            if os.environ.get("CI"):
                pytest.fail(missing)
            pytest.skip(missing)
    with temporary_server(binaries) as running:
        yield running


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The connection string of an empty database of this test's own."""
    with temporary_database(server) as url:
        yield url


@pytest.fixture(scope="module")
def module_database(server: Server) -> Iterator[str]:
    """The connection string of a database that this module's tests share."""
    with temporary_database(server) as url:
        yield url
