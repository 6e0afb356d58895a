"""Whatever changes in the sources: a refresh leaves what a rebuild would.

Set EXAMPLES for a longer search; what fails is printed with how to repeat it.
"""

import os
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy, lists
from random_changes import Change, apply, changes, updates

pytest_plugins = ["projects"]

# A few tenants at the edges of the day, with something to change in each.
SEED = """
truncate community.communities, restaurant.accounts cascade;

insert into community.communities (name, timezone, created_at)
select zone, zone, now() - interval '70 days'
from unnest(array['America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe']) as zone;

insert into community.units (community_id, label)
select id, 'unit' from community.communities, generate_series(1, 2);

insert into community.amenities (community_id, name, open_hours_per_day)
select id, 'Pool', 10 from community.communities;

insert into community.access_logs (
    community_id, visitor_id, entry_type, decision, occurred_at
)
select id, gen_random_uuid(), 'visitor', 'granted', now() - n * interval '17 hours'
from community.communities, generate_series(1, 90) as n;

insert into community.packages (community_id, received_at, picked_up_at)
select id, now() - n * interval '37 hours', now() - n * interval '35 hours'
from community.communities, generate_series(1, 20) as n;

insert into restaurant.accounts (name, timezone)
values ('one', 'America/New_York'), ('other', 'Asia/Kolkata');

insert into restaurant.locations (account_id, name)
select id, 'location' from restaurant.accounts, generate_series(1, 2);

insert into restaurant.calls (account_id, location_id, call_type, status, started_at)
select account_id, id, 'order', 'completed', now() - n * interval '17 hours'
from restaurant.locations, generate_series(1, 40) as n;
"""


@pytest.fixture
def connection(project) -> Iterator[psycopg.Connection]:
    """A connection to a database with a little data, all of it refreshed."""
    with psycopg.connect(project.url) as connection:
        connection.execute(SEED)
        refresh_all(connection)
        connection.commit()
        yield connection


def refresh_all(connection: psycopg.Connection) -> dict[str, int]:
    """Refresh everything, what is read before what reads it; return rows changed."""
    changed = {}
    pending = connection.execute(
        "select model, upstream from orchestrator.models"
    ).fetchall()
    while pending:
        model, _ = next(
            (model, upstream)
            for model, upstream in pending
            if not {name for name, _ in pending} & set(upstream)
        )
        pending = [other for other in pending if other[0] != model]
        ((status, _, rows, error),) = connection.execute(
            "select * from analytics.refresh(%s)", [model]
        ).fetchall()
        assert status == "success", error
        changed[model] = rows
    return changed


def search(
    connection: psycopg.Connection, bursts: SearchStrategy[list[Change]]
) -> None:
    """Look for a burst after which a refresh leaves what a rebuild would not."""

    @settings(
        max_examples=int(os.environ.get("EXAMPLES", "60")),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(bursts)
    def leaves_what_a_rebuild_would(burst: list[Change]) -> None:
        with connection.transaction(force_rollback=True):
            for change in burst:
                apply(connection, change)
            refresh_all(connection)
            connection.execute(
                "insert into orchestrator.refresh_queue (model, reason)"
                " select model, 'rebuild' from orchestrator.models"
            )
            assert not any(refresh_all(connection).values())

    leaves_what_a_rebuild_would()


def test_a_refresh_after_random_changes_leaves_what_a_rebuild_would(connection):
    search(connection, changes())


def test_the_search_finds_a_capture_that_misses_changes(connection):
    connection.execute(
        "drop trigger orchestrator_capture_update on community.access_logs"
    )
    connection.commit()
    moves = lists(updates("community.access_logs"), min_size=10)
    with pytest.raises(AssertionError):
        search(connection, moves)
