"""When a model is due: one rule, in the database, asked minute by minute."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import yaml
from clocks import clock
from projects import CHECKOUT

pytest_plugins = ["projects"]

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


def test_a_time_that_summer_time_skips_is_due_when_the_clock_goes_on(project):
    cadence = {"every": "day", "at": "02:30", "timezone": "America/New_York"}
    due = moments(project, cadence, "2026-03-07 12:00", "2026-03-09 12:00")
    assert due == [datetime(2026, 3, 8, 3, 30), datetime(2026, 3, 9, 2, 30)]


def test_a_time_that_occurs_twice_is_due_once(project):
    cadence = {"every": "day", "at": "01:30", "timezone": "America/New_York"}
    due = moments(project, cadence, "2026-10-31 12:00", "2026-11-02 12:00")
    assert due == [datetime(2026, 11, 1, 1, 30), datetime(2026, 11, 2, 1, 30)]


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


def cadences():
    """Those that the project's models declare, without their zones and jobs."""
    found = {}
    for path in sorted(CHECKOUT.glob("models/**/*.yml")):
        declared = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        for model in declared.get("models", []):
            meta = model.get("config", {}).get("meta", {})
            cadence = {
                key: value
                for key, value in meta.get("cadence", {}).items()
                if key not in ("job", "otherwise_job", "timezone")
            }
            if cadence:
                found[json.dumps(cadence, sort_keys=True)] = cadence
    return list(found.values())


def local_times(cadence, first, last):
    """The moments that a daily, weekly or monthly cadence names, day by day."""
    hour, minute = map(int, cadence["at"].split()[-1].split(":"))
    for day in range((last - first).days + 2):
        local = (first + timedelta(days=day)).replace(
            hour=hour, minute=minute, tzinfo=None
        )
        named = {
            "day": "",
            "week": f"{local:%A} ".lower(),
            "month": f"{local.day} ",
        }[cadence["every"]]
        if cadence["at"] == f"{named}{local:%H:%M}":
            yield local


def expected(cadence, zone, first, last):
    """When it is due from one moment to another, by a calendar, not by the rule."""
    if cadence["every"] in ("day", "week", "month"):
        due = set()
        for local in local_times(cadence, first - timedelta(days=1), last):
            once, again = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
            # What occurs twice counts as it occurs last; what is skipped, as the
            # clock goes on.
            is_twice = again.utcoffset() < once.utcoffset()
            due.add((again if is_twice else once).astimezone(UTC))
        return {moment for moment in due if first <= moment < last}
    due = set()
    before = (first - timedelta(minutes=5)).astimezone(zone).utcoffset()
    for moment in moments_between(first, last):
        local = moment.astimezone(zone)
        every = cadence["every"]
        opens, closes = cadence.get("between", ["00:00", "24:00"])
        if not opens <= f"{local:%H:%M}" <= closes:
            every = cadence["otherwise"]
        number, _, unit = every.rpartition(" ")
        minutes = int(number or 1) * (60 if unit.startswith("hour") else 1)
        passed = (local.hour * 60 + local.minute) % minutes
        # A clock that changes by half an hour is in the midst of one at once.
        if passed == 0 or local.utcoffset() != before:
            due.add(moment - timedelta(minutes=passed))
        before = local.utcoffset()
    return due


def moments_between(first, last):
    """Every fifth minute."""
    count = (last - first) // timedelta(minutes=5)
    return [first + timedelta(minutes=5 * n) for n in range(count)]


def test_for_two_years_each_moment_is_due_once(project):
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=n) for n in range(1, 730)]
    declared = cadences()
    assert len(declared) > 5
    with clock(project) as now:
        for name in ["UTC", *ZONES]:
            zone = ZoneInfo(name)
            changes = [
                day - timedelta(days=1)
                for day in days
                if (day - timedelta(days=1)).astimezone(zone).utcoffset()
                != day.astimezone(zone).utcoffset()
            ]
            for cadence in declared:
                # Of those that are due many times a day, the days of a change of
                # the clock, and one in half a year.
                spans = [(start, end)]
                is_short = cadence["every"] not in ("day", "week", "month")
                if is_short:
                    picked = [*changes, *days[::181]]
                    spans = [(day, day + timedelta(days=1)) for day in picked]
                due = set().union(*(expected(cadence, zone, *span) for span in spans))
                asked = {
                    moment + timedelta(minutes=passed)
                    for moment in due
                    for passed in (-1, 0, 1)
                }
                if is_short:
                    asked.update(*(moments_between(*span) for span in spans))
                found = now.ask(
                    "select distinct orchestrator.last_due(%s, at)"
                    " from unnest(%s::timestamptz[]) as at",
                    json.dumps({**cadence, "timezone": name}),
                    sorted(asked),
                )
                within = {
                    moment
                    for (moment,) in found
                    if any(first <= moment < last for first, last in spans)
                }
                assert within == due, (cadence, name)


def test_a_stop_of_three_days_is_caught_up_once(project):
    with clock(project) as now:
        due = "select is_due from orchestrator.model_status where model = 'kpi_daily'"
        (newest,) = now.ask("select max(metric_date) from analytics.kpi_daily")[0]
        wakes = datetime.combine(
            newest + timedelta(days=4), datetime.min.time(), UTC
        ) + timedelta(hours=12)
        now.turn_to(wakes)
        assert now.value(due)
        days = "select count(distinct metric_date) from analytics.kpi_daily"
        before = now.value(days)
        now.refresh("kpi_daily")
        assert now.value(days) == before + 3
        assert not now.value(due)
        now.turn_to(wakes + timedelta(minutes=1))
        assert not now.value(due)
        # And then as ever: at one o'clock.
        tomorrow = wakes.replace(hour=0) + timedelta(days=1)
        now.turn_to(tomorrow + timedelta(minutes=59))
        assert not now.value(due)
        now.turn_to(tomorrow + timedelta(minutes=60))
        assert now.value(due)


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
