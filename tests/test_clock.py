"""When a model is due: one rule, in the database, asked minute by minute."""

import json
from datetime import datetime, timedelta

import pytest

pytest_plugins = ["projects"]

# Spring and autumn of 2026 with every change to and from summer time.
SEASONS = [("2026-03-01", "2026-04-10"), ("2026-10-20", "2026-11-10")]
ZONES = [
    "America/New_York",
    "Asia/Jerusalem",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
]


def moments(place, cadence, start, end):
    """Every moment at which it is due in a season, as local time, in order."""
    rows = place.ask(
        "select distinct due, due at time zone %s from ("
        "    select orchestrator.last_due(%s, at) as due"
        "    from generate_series(%s::timestamptz, %s, '1 minute') as at"
        ") as asked where due >= %s order by 1",
        cadence.get("timezone", "UTC"),
        json.dumps(cadence),
        start,
        end,
        start,
    )
    return [local for _, local in rows]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("season", SEASONS)
def test_a_daily_model_is_due_once_on_each_local_day(project, zone, season):
    cadence = {"every": "day", "at": "01:00", "timezone": zone}
    due = moments(project, cadence, *season)
    assert [moment.time().hour for moment in due] == [1] * len(due)
    days = [moment.date() for moment in due]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]


def test_a_time_that_summer_time_skips_is_due_when_the_clock_goes_on(project):
    cadence = {"every": "day", "at": "02:30", "timezone": "America/New_York"}
    due = moments(project, cadence, "2026-03-07 12:00", "2026-03-09 12:00")
    assert due == [datetime(2026, 3, 8, 3, 30), datetime(2026, 3, 9, 2, 30)]


def test_a_time_that_occurs_twice_is_due_once(project):
    cadence = {"every": "day", "at": "01:30", "timezone": "America/New_York"}
    due = moments(project, cadence, "2026-10-31 12:00", "2026-11-02 12:00")
    assert due == [datetime(2026, 11, 1, 1, 30), datetime(2026, 11, 2, 1, 30)]


def test_weeks_and_months_are_due_on_their_day(project):
    weekly = {"every": "week", "at": "monday 02:00"}
    due = moments(project, weekly, "2026-12-20", "2027-01-15")
    assert [moment.isoweekday() for moment in due] == [1] * 4
    assert {moment.time().hour for moment in due} == {2}
    monthly = {"every": "month", "at": "1 03:00"}
    due = moments(project, monthly, "2026-10-15", "2027-02-15")
    assert due == [
        datetime(2026, 11, 1, 3),
        datetime(2026, 12, 1, 3),
        datetime(2027, 1, 1, 3),
        datetime(2027, 2, 1, 3),
    ]


def test_business_hours_have_a_cadence_of_their_own(project):
    cadence = {
        "every": "15 minutes",
        "between": ["06:00", "22:00"],
        "otherwise": "hour",
        "timezone": "America/New_York",
    }
    due = moments(project, cadence, "2026-11-21 05:00", "2026-11-22 04:59")
    by_hour = [sum(moment.hour == hour for moment in due) for hour in range(24)]
    assert by_hour == [1] * 6 + [4] * 16 + [1] * 2


@pytest.mark.parametrize(
    "cadence",
    [
        {"every": "5 minutes"},
        {"every": "hour", "timezone": "Asia/Kolkata"},
        {"every": "day", "at": "01:30", "timezone": "America/New_York"},
        {"every": "week", "at": "sunday 02:30", "timezone": "America/New_York"},
        {"every": "month", "at": "28 23:59", "timezone": "Australia/Lord_Howe"},
    ],
)
def test_next_due_is_the_moment_that_last_due_moves_to(project, cadence):
    wrong = project.ask(
        "select at, orchestrator.last_due(%s, at), orchestrator.next_due(%s, at)"
        " from generate_series("
        "     timestamptz '2026-10-20', '2026-11-10', '37 minutes'"
        " ) as at"
        " where orchestrator.last_due(%s, at) > at"
        " or orchestrator.next_due(%s, at) <= at"
        " or orchestrator.last_due(%s, orchestrator.next_due(%s, at))"
        "     <> orchestrator.next_due(%s, at)"
        " or orchestrator.last_due("
        "     %s, orchestrator.next_due(%s, at) - interval '1 second'"
        " ) <> orchestrator.last_due(%s, at)",
        *[json.dumps(cadence)] * 10,
    )
    assert wrong == []


@pytest.mark.parametrize(
    ("cadence", "complaint"),
    [
        ({}, "needs `every`"),
        ({"every": "fortnight"}, "has every: fortnight"),
        ({"every": "0 minutes"}, "has every: 0 minutes"),
        ({"every": "day", "at": "25:00"}, "has at: 25:00 with every: day"),
        ({"every": "week", "at": "01:00"}, "has at: 01:00 with every: week"),
        ({"every": "month", "at": "31 01:00"}, "has at: 31 01:00"),
        ({"every": "hour", "at": "00:15"}, "has at: 00:15 with every: hour"),
        ({"every": "day", "timezone": "Mars/Base"}, "has timezone: Mars/Base"),
        ({"every": "hour", "between": ["06:00", "22:00"]}, "needs `between`"),
        ({"every": "hour", "when": "now"}, "has when, which means nothing"),
    ],
)
def test_a_malformed_cadence_is_told_what_is_wrong(project, cadence, complaint):
    error = project.value("select orchestrator.cadence_error(%s)", json.dumps(cadence))
    assert error.startswith(complaint)
