"""Whatever changes in the sources: a refresh leaves what a rebuild would.

Set EXAMPLES for a longer search; what fails is printed with how to repeat it.
"""

import os
from collections.abc import Collection, Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy, lists
from psycopg.sql import SQL, Identifier
from random_changes import (
    PRESENT,
    TABLES,
    Change,
    apply,
    changes,
    tables_of,
    updates,
)
from seeds import CASCADE, FUNCTIONS, SEEDS
from worlds import World, declared

from kpi_demo.source_data import ALL

pytest_plugins = ["projects"]

# Bursts of changes to each source table, of which the older server gets half.
EXAMPLES = int(os.environ.get("EXAMPLES", "4"))


@pytest.fixture
def domain() -> str:
    """The domain of a test that is not of each."""
    return "community"


@pytest.fixture
def world(whole_project, domain) -> Iterator[World]:
    """A domain with a little data, all of it refreshed.

    The clock stands at a fixed moment, so that what fails will fail again.
    """
    with psycopg.connect(whole_project.url) as connection:
        for setting, value in [("orchestrator.now", PRESENT), ("timezone", "UTC")]:
            connection.execute(
                "select set_config(%s, %s, false)", [setting, str(value)]
            )
        for table in tables_of(domain):
            name = Identifier(*table.split("."))
            connection.execute(SQL("truncate {} cascade").format(name))
        connection.execute("update orchestrator.models set refreshed_through = null")
        connection.execute(CASCADE)
        connection.execute(FUNCTIONS)
        connection.execute(SEEDS[domain])
        world = World.of(connection, domain)
        world.empty()
        world.refresh()
        connection.commit()
        yield world


def search(
    world: World,
    bursts: SearchStrategy[list[Change]],
    phases: Collection[Phase] = tuple(Phase),
) -> None:
    """Look for a burst after which a refresh leaves what a rebuild would not."""

    older = world.connection.info.server_version < 160000

    @settings(
        max_examples=EXAMPLES // 2 if older else EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=phases,
        print_blob=True,
    )
    @given(bursts)
    def leaves_what_a_rebuild_would(burst: list[Change]) -> None:
        with world.connection.transaction(force_rollback=True):
            for change in burst:
                apply(world.connection, change)
            world.refresh()
            assert world.rebuild() == {}
            world.assert_as_built()

    leaves_what_a_rebuild_would()


@pytest.mark.parametrize("domain", ALL)
def test_a_refresh_after_random_changes_leaves_what_a_rebuild_would(world, domain):
    for table in tables_of(domain):
        search(world, changes(table))


def test_the_search_finds_a_capture_that_misses_changes(world):
    world.connection.execute(
        "drop trigger orchestrator_capture_update on community.access_logs"
    )
    world.connection.commit()
    moves = lists(updates("community.access_logs"), min_size=10)
    with pytest.raises(AssertionError):
        search(world, moves, phases=[Phase.generate])


@pytest.mark.parametrize("domain", ALL)
def test_the_search_changes_every_column_that_is_read(domain):
    read = {
        f"{domain}.{table['name']}": {column["name"] for column in table["columns"]}
        for table in declared("sources")[domain]["tables"]
        if "config" in table  # no summary reads the rest
    }
    assert sorted(read) == sorted(tables_of(domain))
    for table, columns in read.items():
        assert columns - {"id"} <= TABLES[table].keys()
