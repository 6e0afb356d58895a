"""The summaries on data that is odd but legal, compared with plain queries.

See tests/odd_data.py for what is odd about it, and tests/naive for the queries.
"""

from collections.abc import Iterator

import psycopg
import pytest
from naive import QUERIES
from odd_data import ODD_ROWS, YOUNG_TENANTS
from projects import Workplace, fill, named_database, workplace
from psycopg.rows import dict_row
from test_naive_queries import STAMPS, differences, key, rows

from kpi_demo.source_data import ALL

pytest_plugins = ["projects"]


@pytest.fixture(scope="module")
def odd(server, whole_installation) -> Iterator[Workplace]:
    """A database built before the odd rows came, and refreshed after."""
    with (
        named_database(server, "test", "template1") as url,
        workplace(url, whole_installation) as place,
    ):
        fill(url, ALL)
        place.ask(YOUNG_TENANTS)
        place.answer("run")
        place.ask(ODD_ROWS)
        place.ask("create table remembered as table plant.downtime_events")
        for is_active in ("false", "true"):
            place.ask(f"update community.communities set is_active = {is_active}")
            place.ask("select analytics.manual_refresh()")
        yield place


def test_a_build_is_green(odd):
    assert odd.dbt("build", "--exclude-resource-type", "unit_test")


@pytest.mark.parametrize("table", QUERIES)
def test_the_table_holds_what_a_naive_query_finds(odd, table):
    with psycopg.connect(odd.url, row_factory=dict_row) as connection:
        (model,) = connection.execute(
            "select refreshed_through as now from orchestrator.models where model = %s",
            [table],
        ).fetchall()
        expected = connection.execute(QUERIES[table], model).fetchall()
        stored = rows(connection, table)
        assert set(expected[0]) == set(stored[0]) - STAMPS
        assert differences(table, key(connection, table), stored, expected) == []
