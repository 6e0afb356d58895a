"""Plant's tables: snapshots that close, a log that outlives its source."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from clocks import Clock, clock

pytest_plugins = ["projects"]

SNAPSHOT = ("asset_id", "snapshot_timestamp", "current_output", "status")


@pytest.fixture
def plant(whole_project) -> Iterator[Clock]:
    with clock(whole_project) as at:
        yield at


def quarter_hour() -> datetime:
    """The first instant of the next quarter hour."""
    present = datetime.now(UTC).replace(second=0, microsecond=0)
    return present + timedelta(minutes=15 - present.minute % 15)


def count(plant: Clock, asset: str, counted_at: datetime) -> None:
    plant.ask(
        "insert into plant.production_counts"
        " (asset_id, counted_at, good_count, waste_count) values (%s, %s, 1000, 0)",
        asset,
        counted_at,
    )


def an_asset(plant: Clock) -> str:
    return plant.value(
        "select id from plant.assets where is_active order by id limit 1"
    )


def test_an_open_snapshot_is_corrected_and_a_closed_one_is_not(plant):
    asset, begins = an_asset(plant), quarter_hour()

    def output():
        return dict(
            plant.ask(
                "select snapshot_timestamp, current_output"
                " from analytics.live_snapshots where asset_id = %s",
                asset,
            )
        )

    plant.turn_to(begins + timedelta(minutes=1))
    plant.refresh("live_snapshots")
    first = output()[begins]

    count(plant, asset, begins - timedelta(seconds=1))
    plant.turn_to(begins + timedelta(minutes=14))
    plant.refresh("live_snapshots")
    local_midnight = plant.value(
        "select date_trunc('day', %s at time zone timezone) at time zone timezone"
        " from plant.assets where id = %s",
        begins,
        asset,
    )
    grown = first if local_midnight == begins else first + 1000
    assert output()[begins] == grown

    count(plant, asset, begins - timedelta(seconds=2))
    plant.turn_to(begins + timedelta(minutes=16))
    before = output()
    plant.refresh("live_snapshots")
    after = output()
    assert set(after) - set(before) == {begins + timedelta(minutes=15)}
    assert set(before) - set(after) == {min(before)}
    assert {moment: before[moment] for moment in after if moment in before} == {
        moment: after[moment] for moment in before if moment in after
    }


def test_snapshots_go_when_they_are_older_than_what_is_remembered(plant):
    begins = quarter_hour() + timedelta(days=2)
    plant.turn_to(begins)
    plant.refresh("live_snapshots")
    ((oldest, newest, snapshots, assets),) = plant.ask(
        "select min(snapshot_timestamp), max(snapshot_timestamp), count(*),"
        " count(distinct asset_id) from analytics.live_snapshots"
    )
    assert (oldest, newest) == (begins - timedelta(days=7), begins)
    assert snapshots == assets * (7 * 96 + 1)


def test_a_rebuild_leaves_closed_snapshots(plant):
    asset = an_asset(plant)
    count(plant, asset, datetime.now(UTC) - timedelta(days=2))
    plant.refresh("live_snapshots")  # what has become too old since is gone
    before = plant.rows("live_snapshots", *SNAPSHOT)
    plant.ask("select orchestrator.request('live_snapshots')")
    plant.refresh("live_snapshots")
    assert before <= plant.rows("live_snapshots", *SNAPSHOT)


def test_a_safety_event_is_logged_followed_and_outlives_its_source(plant):
    event = plant.value(
        "insert into plant.downtime_events (asset_id, reason_code, started_at)"
        " values (%s, 'Safety Issue', now() - interval '1 minute') returning id",
        an_asset(plant),
    )

    def logged():
        return plant.ask(
            "select severity, is_resolved from analytics.safety_events where id = %s",
            event,
        )

    assert plant.refresh("safety_events") == 1
    assert logged() == [("medium", False)]
    plant.ask(
        "update plant.downtime_events set resolved_at = now(), severity = 'high'"
        " where id = %s",
        event,
    )
    assert plant.refresh("safety_events") == 1
    assert logged() == [("high", True)]
    plant.ask("delete from plant.downtime_events where id = %s", event)
    assert plant.refresh("safety_events") == 0
    assert logged() == [("high", True)]
    plant.ask("select orchestrator.request('safety_events')")
    assert plant.refresh("safety_events") == 0


def test_what_stops_over_midnight_is_split_between_the_days(plant):
    asset = plant.value(
        "insert into plant.assets (name, area, cost_per_minute, cost_per_waste_unit,"
        " timezone) values ('Saw', 'Hall 1', 2, 3, 'Asia/Kolkata') returning id"
    )
    plant.ask(
        "insert into plant.production_targets"
        " (asset_id, target_date, planned_minutes, target_output)"
        " select %s, day::date, 1440, 100"
        " from generate_series(timestamp '2026-10-01', '2026-10-03', '1 day') as day",
        asset,
    )
    for begins, ends in (
        ("10-01 22:00", "10-02 03:00"),
        ("10-02 02:00", "10-02 04:00"),
        ("10-02 23:30", "10-03 00:15"),
    ):
        plant.ask(
            "insert into plant.downtime_events"
            " (asset_id, reason_code, started_at, ended_at)"
            " values (%s, 'Belt', %s, %s)",
            asset,
            f"2026-{begins}+05:30",
            f"2026-{ends}+05:30",
        )
    plant.refresh("daily_summaries")
    days = plant.ask(
        "select report_date::text, downtime_minutes, financial_loss_dollars"
        " from analytics.daily_summaries where asset_id = %s order by 1",
        asset,
    )
    assert days == [
        ("2026-10-01", 120, 240),
        ("2026-10-02", 270, 540),
        ("2026-10-03", 15, 30),
    ]


def test_what_the_service_role_writes_stays_until_its_period_is_computed_again(plant):
    """It may write to plant's tables; what sources do not explain is replaced."""
    rows = "select id, waste_count from analytics.daily_summaries order by id limit 1"
    day, waste = plant.ask(rows)[0]
    plant.ask("set local role service_role")
    event = plant.value(
        "insert into analytics.safety_events (event_timestamp, severity, description)"
        " values (now(), 'low', 'Entered by hand.') returning id"
    )
    plant.ask(
        "insert into analytics.live_snapshots (asset_id, snapshot_timestamp,"
        " current_output, target_output, output_variance, status)"
        " select asset_id, snapshot_timestamp - interval '20 days', 1, 1, 0,"
        " 'on_target' from analytics.live_snapshots limit 1"
    )
    plant.ask(
        "update analytics.daily_summaries set waste_count = waste_count + 1"
        " where id = %s",
        day,
    )
    plant.ask("reset role")
    plant.refresh("safety_events", "daily_summaries")
    assert plant.ask(rows) == [(day, waste + 1)]
    plant.ask("select orchestrator.request('daily_summaries')")
    plant.ask("select orchestrator.request('safety_events')")
    plant.refresh("safety_events", "daily_summaries")
    assert plant.ask(rows) == [(day, waste)]
    # The log keeps what no source row is behind.
    assert plant.value(
        "select count(*) from analytics.safety_events where id = %s", event
    )
