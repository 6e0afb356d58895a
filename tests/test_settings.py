"""A build that finds settings of the project changed: every row follows, in place."""

import json

import psycopg
import pytest
from worlds import World

pytest_plugins = ["projects"]

NEVER = {"first_response_minutes": 10**6, "resolution_hours": 10**5}
SETTINGS = {
    "rental_timezone": "Asia/Kolkata",
    "learning_timezone": "America/New_York",
    "sla_targets": dict.fromkeys(["urgent", "high", "medium", "low"], NEVER),
}

# Days that a summary table and a plain query count differently.
BOOKINGS = """
select bucket_date
from analytics.booking_trends
full join (
    select (created_at at time zone 'Asia/Kolkata')::date, count(*)
    from rental.bookings
    group by 1
) as made (bucket_date, counted) using (bucket_date)
where bookings is distinct from coalesce(counted, 0)
"""
ATTEMPTS = """
select activity_date
from analytics.quiz_completion_rates
full join (
    select quiz_id, (started_at at time zone 'America/New_York')::date, count(*)
    from learning.quiz_attempts
    group by 1, 2
) as made (quiz_id, activity_date, counted) using (quiz_id, activity_date)
where attempts_started is distinct from counted
"""


def tables(place):
    return place.ask(
        "select oid::regclass::text, oid from pg_class where relkind = 'r'"
        " and relnamespace = 'analytics'::regnamespace order by 1"
    )


def breaches(place):
    return place.ask(
        "select sum(sla_breaches) > 0 from analytics.support_sla"
        " union all"
        " select count(*) > 0 from analytics.alert_candidates"
        " where alert_type = 'sla_breach'"
    )


@pytest.fixture
def resettled(whole_project):
    """The project, built again with other settings in the same tables."""
    project = whole_project
    assert project.ask(BOOKINGS) != []
    assert project.ask(ATTEMPTS) != []
    assert breaches(project) == [(True,), (True,)]
    before = tables(project)
    # Elsewhere, so that what dbt remembers stays of the settings as they are.
    project.environment["DBT_TARGET_PATH"] = str(project.folder / "target")
    assert project.dbt("run", "--vars", json.dumps(SETTINGS))
    assert tables(project) == before
    return project


def test_every_row_follows_a_changed_setting(resettled):
    assert resettled.ask(BOOKINGS) == []
    assert resettled.ask(ATTEMPTS) == []
    assert breaches(resettled) == [(False,), (False,)]
    with psycopg.connect(resettled.url) as connection:
        for domain in ("rental", "learning"):
            World.of(connection, domain).assert_as_built()
