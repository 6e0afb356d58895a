"""What is decided of rows that an application should not have, but may."""

import pytest

pytest_plugins = ["projects"]


@pytest.fixture
def crossed(project):
    """A call of one account at a location that is another's, of three days ago."""
    ((account, location),) = project.ask(
        "select accounts.id, locations.id from restaurant.accounts"
        " inner join restaurant.locations on locations.account_id <> accounts.id"
        " order by 1, 2 limit 1"
    )
    project.ask(
        "insert into restaurant.calls (account_id, location_id, call_type, status,"
        " started_at) values (%s, %s, 'order', 'completed', now() - interval '3 days')",
        account,
        location,
    )
    return project, account, location


def rows(place, account, location):
    place.ask("select * from analytics.refresh('metrics_daily')")
    return place.ask(
        "select total_calls, minutes_saved::float from analytics.metrics_daily"
        " where account_id = %s and location_id = %s",
        account,
        location,
    )


def test_a_row_that_points_at_another_tenants_counts_for_its_own(crossed):
    """By its own account's settings; the location's are its owner's."""
    place, account, location = crossed
    assert [calls for calls, _ in rows(place, account, location)] == [1]
    place.ask(
        "insert into restaurant.location_settings (location_id,"
        " minutes_saved_baseline_seconds) values (%s, 6000)"
        " on conflict (location_id) do update set"
        " minutes_saved_baseline_seconds = 6000",
        location,
    )
    place.ask(
        "insert into restaurant.account_settings (account_id,"
        " minutes_saved_baseline_seconds) values (%s, 300)"
        " on conflict (account_id) do update set minutes_saved_baseline_seconds = 300",
        account,
    )
    assert rows(place, account, location) == [(1, 5.0)]
    place.ask(
        "update restaurant.locations set account_id = %s where id = %s",
        account,
        location,
    )
    assert (1, 100.0) in rows(place, account, location)
    (audit,) = place.answer("audit", "metrics_daily", "--all")
    assert audit["rows_different"] == 0


def test_two_of_one_name_are_one_entry(project):
    month = """
        select utilization_by_amenity from analytics.kpi_monthly
        where community_id = %s order by year desc, month desc limit 1
    """
    (community,) = project.ask(
        "select community_id from community.amenities order by 1 limit 1"
    )[0]
    for _ in range(2):
        project.ask(
            "insert into community.amenities (community_id, name, open_hours_per_day)"
            " values (%s, 'Twice', 10)",
            community,
        )
    project.ask("select analytics.manual_refresh()")
    assert project.value(month, community)["Twice"] == 0


def test_a_units_balance_is_its_own_communitys(project):
    (unit, community) = project.ask(
        "select id, community_id from community.units order by 1 limit 1"
    )[0]
    other = project.value(
        "select id from community.communities where id <> %s order by 1 limit 1",
        community,
    )
    project.ask("select analytics.manual_refresh()")
    before = contents(project, other)
    project.ask(
        "insert into community.unit_balances (unit_id, community_id, as_of_date,"
        " balance, oldest_due_date)"
        " values (%s, %s, current_date - 20, 4321.5, current_date - 120)"
        " on conflict (unit_id, as_of_date) do update set balance = 4321.5,"
        " community_id = excluded.community_id,"
        " oldest_due_date = excluded.oldest_due_date",
        unit,
        other,
    )
    own = contents(project, community)
    project.ask("select analytics.manual_refresh()")
    assert contents(project, other) == before
    assert contents(project, community) != own
    (audit,) = project.answer("audit", "kpi_daily", "--all")
    assert audit["rows_different"] == 0


def contents(place, community):
    return place.ask(
        "select (to_jsonb(kpi_daily) - 'computed_at')::text from analytics.kpi_daily"
        " where community_id = %s order by metric_date",
        community,
    )
