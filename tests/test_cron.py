"""pg_cron: on which schedules its jobs tick, and a real one that refreshes."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from projects import Installation, Workplace
from psycopg.sql import SQL, Identifier
from servers import HASTY, temporary_folder
from test_stranger import CHANGES, build, stranger_in

from kpi_demo.binaries import system_binaries
from kpi_demo.server import Server, remove

pytest_plugins = ["projects"]

NEW_YORK, KOLKATA = "America/New_York", "Asia/Kolkata"
BUSINESS_HOURS = {
    "every": "15 minutes",
    "between": ["06:00", "22:00"],
    "otherwise": "hour",
    "timezone": NEW_YORK,
}

# What a schedule is, of a cadence and pg_cron's own zone (None: not to be seen).
SCHEDULES = [
    # The contract's.
    ({"every": "day", "at": "01:00"}, "GMT", "0 1 * * *"),
    ({"every": "week", "at": "monday 02:00"}, "GMT", "0 2 * * 1"),
    ({"every": "month", "at": "1 03:00"}, "GMT", "0 3 1 * *"),
    ({"every": "5 minutes"}, "GMT", "*/5 * * * *"),
    ({"every": "30 minutes"}, "GMT", "*/30 * * * *"),
    ({"every": "hour"}, "GMT", "0 * * * *"),
    # Summer time moves the hour, and a skipped time comes an hour later.
    ({"every": "day", "at": "02:00", "timezone": NEW_YORK}, "GMT", "0 6,7 * * *"),
    ({"every": "day", "at": "02:00", "timezone": NEW_YORK}, NEW_YORK, "0 2,3 * * *"),
    ({"every": "day", "at": "03:00", "timezone": NEW_YORK}, NEW_YORK, "0 3 * * *"),
    ({"every": "month", "at": "1 03:00"}, NEW_YORK, "0 22,23 28-31 * *"),
    # Zones differ by quarters of an hour.
    ({"every": "hour", "timezone": KOLKATA}, "UTC", "30 * * * *"),
    ({"every": "day", "at": "01:00", "timezone": KOLKATA}, "UTC", "30 19 * * *"),
    ({"every": "day", "at": "01:00"}, None, "*/15 * * * *"),
    ({"every": "5 minutes"}, None, "*/5 * * * *"),
    # What cron cannot say.
    ({"every": "7 minutes"}, "GMT", "* * * * *"),
    ({"every": "45 minutes"}, "GMT", "*/15 * * * *"),
    ({"every": "5 hours"}, "GMT", "0 * * * *"),
    (BUSINESS_HOURS, "GMT", "*/15 * * * *"),
]

# What it is of a cadence's two jobs: within its hours, and outside.
TWO_JOBS = {
    NEW_YORK: ("*/15 6-22 * * *", "0 0-5,23 * * *"),
    "GMT": ("*/15 0-3,10-23 * * *", "0 3-10 * * *"),
}


def test_a_schedule_beats_when_its_cadence_is_due(project):
    for cadence, zone, expected in SCHEDULES:
        schedule = "select orchestrator.cron_schedule(%s, %s)"
        found = project.value(schedule, json.dumps(cadence), zone)
        assert found == expected, (cadence, zone)
    for zone, expected in TWO_JOBS.items():
        found = project.ask(
            "select orchestrator.cron_schedule(%s, %s, false),"
            " orchestrator.cron_schedule(%s, %s, true)",
            *[json.dumps(BUSINESS_HOURS), zone] * 2,
        )
        assert found == [expected], zone


def test_the_jobs_are_those_of_the_contract(whole_project):
    # dashboard_kpis and customer_cohorts keep New York's hours.
    jobs = whole_project.ask("select jobname, schedule from orchestrator.cron_jobs")
    assert dict(jobs) == {
        "compute-daily-kpis": "0 1 * * *",
        "compute-weekly-kpis": "0 2 * * 1",
        "compute-monthly-kpis": "0 3 1 * *",
        "cron_dashboard_15min": TWO_JOBS["GMT"][0],
        "cron_dashboard_hourly": TWO_JOBS["GMT"][1],
        "cron_trends_hourly": "0 * * * *",
        "cron_equipment_hourly": "0 * * * *",
        "cron_dashboard_nightly": "0 6,7 * * *",
        "cron_support_5min": "*/5 * * * *",
        "cron_financial_hourly": "0 * * * *",
        "cron_alerts_5min": "*/5 * * * *",
        "refresh-metrics-daily": "*/5 * * * *",
        "refresh-analytics-views": "*/30 * * * *",
        "morning-report": "0 6 * * *",
        "live-pulse": "*/15 * * * *",
        "orchestrator-pulse": "* * * * *",
        "orchestrator-housekeeping": "20 3 * * *",
    }


def values(field: str, first: int, last: int) -> set[int]:
    """The values that a field of a schedule stands for."""
    met: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        if span == "*":
            low, high = str(first), str(last)
        met.update(range(int(low), int(high or low) + 1, int(step or 1)))
    return met


def ticks(schedule: str, moment: datetime) -> bool:
    """Whether cron ticks in a minute of its own zone."""
    minute, hour, day, month, weekday = schedule.split()
    assert "*" in (day, weekday), "cron would tick on either"
    return (
        moment.minute in values(minute, 0, 59)
        and moment.hour in values(hour, 0, 23)
        and moment.day in values(day, 1, 31)
        and moment.month in values(month, 1, 12)
        and moment.isoweekday() % 7 in values(weekday, 0, 6)
    )


def test_each_moment_at_which_a_cadence_is_due_has_a_beat(project):
    # As of a half-hour change of the clock the rule counts from no full hour; so
    # Lord Howe's is no zone of pg_cron here, and its cadences are tried by others.
    zones = ["UTC", NEW_YORK, "Asia/Jerusalem", KOLKATA]
    cadences = [
        {**cadence, "timezone": zone}
        for cadence in [
            *({"every": "30 minutes"}, {"every": "hour"}, {"every": "5 hours"}),
            {"every": "day", "at": "02:30"},
            {"every": "week", "at": "sunday 01:45"},
            {"every": "month", "at": "1 00:00"},
        ]
        for zone in [*zones, "Australia/Lord_Howe"]
    ] + [BUSINESS_HOURS]
    # Two days each: the turn of a month, and the changes of New York, Jerusalem
    # and Lord Howe to and from summer time.
    starts = [
        "2026-11-30",
        *("2026-03-08", "2026-11-01", "2027-03-26", "2026-10-24"),
        *("2027-04-03", "2026-10-03"),
    ]
    due = project.ask(
        "select cadence, array_agg(distinct due) from ("
        "    select cadence, start, orchestrator.last_due(cadence, at) as due"
        "    from unnest(%s::timestamptz[]) as start"
        "    cross join generate_series(start, start + interval '2 days', '15 minutes')"
        "        as at"
        "    cross join unnest(%s::jsonb[]) as cadence"
        ") as asked where due >= start group by 1",
        starts,
        [json.dumps(cadence) for cadence in cadences],
    )
    schedules = project.ask(
        "select cadence, zone, orchestrator.cron_schedule(cadence, zone)"
        " from unnest(%s::jsonb[]) as cadence cross join unnest(%s::text[]) as zone",
        [json.dumps(cadence) for cadence in cadences],
        zones,
    )
    moments = {json.dumps(cadence): found for cadence, found in due}
    missed = [
        (cadence, zone, schedule, moment.isoformat())
        for cadence, zone, schedule in schedules
        for moment in moments.get(json.dumps(cadence), [])
        if not ticks(schedule, moment.astimezone(ZoneInfo(zone)))
    ]
    assert missed == []


def test_without_pg_cron_a_sentence_says_what_is_missing(project):
    code, sentence = project.refuse("cron", "install")
    assert code == 1
    is_there = project.value(
        "select exists (select from pg_available_extensions where name = 'pg_cron')"
    )
    what = "loaded by" if is_there else "installed on"
    assert sentence.startswith(f"pg_cron is not {what} this server. ")
    assert "shared_preload_libraries" in sentence
    for command in ("status", "uninstall"):
        code, sentence = project.refuse("cron", command)
        assert code == 1
        assert sentence.startswith('pg_cron is not in the database "test".')
    with pytest.raises(psycopg.errors.UndefinedObject, match="pg_cron is not in"):
        project.ask("select * from analytics.get_cron_job_status()")

    shown = project.call("cron", "show").stdout.splitlines()
    assert shown[2] == (
        "select cron.schedule('compute-daily-kpis', '0 1 * * *', "
        "'call orchestrator.run_job(''compute-daily-kpis'')');"
    )
    assert [job["jobname"] for job in project.answer("cron", "show")] == [
        *("compute-daily-kpis", "compute-monthly-kpis", "compute-weekly-kpis"),
        *("orchestrator-housekeeping", "orchestrator-pulse", "refresh-metrics-daily"),
    ]


@dataclass
class Scheduled(Workplace):
    """A built project in the database of a server's pg_cron."""

    data_dir: Path

    def tick(self, *jobs: str) -> dict[str, tuple[str, str]]:
        """Let these jobs run now; return what pg_cron notes of each.

        pg_cron takes a minute to tick, but runs `@reboot` jobs as it starts.
        """
        self.ask("delete from cron.job_run_details")
        self.ask(
            "update cron.job set schedule = '@reboot' where jobname = any(%s)",
            list(jobs),
        )
        running = Server.find(self.data_dir)
        assert running is not None
        running.stop()
        start(self.data_dir)
        deadline = time.monotonic() + 60
        done: dict[str, tuple[str, str]] = {}
        while len(done) < len(jobs):
            assert time.monotonic() < deadline, f"pg_cron ended {done} of {jobs}"
            noted = self.ask(
                "select jobname::text, status, return_message"
                " from cron.job_run_details inner join cron.job using (jobid)"
                " where jobname = any(%s) and end_time is not null",
                list(jobs),
            )
            done = {name: (status, message) for name, status, message in noted}
            time.sleep(0.05)
        assert self.call("cron", "install").exit_code == 0
        return done


def start(data_dir: Path) -> Server:
    return Server.start(
        data_dir,
        binaries=system_binaries(15),
        settings={
            **HASTY,
            "shared_preload_libraries": "pg_cron",
            "cron.database_name": "scheduled",
            "cron.use_background_workers": "on",
            # Before pg_cron 1.5 this is taken in silence, and means nothing.
            "cron.timezone": NEW_YORK,
        },
    )


def move(source: str, target: Server, name: str) -> None:
    """Copy a database to another server."""
    binaries = system_binaries(15)
    assert binaries is not None
    with psycopg.connect(target.url(), autocommit=True) as connection:
        connection.execute(SQL("create database {}").format(Identifier(name)))
    call = [binaries / "pg_dump", source]
    dump = subprocess.run(call, check=True, capture_output=True)
    # Every line is one of SQL: psql runs them as it reads them.
    call = [binaries / "psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1"]
    subprocess.run(
        [*call, target.url(name)], input=dump.stdout, check=True, capture_output=True
    )


@contextmanager
def cron_server(folder: Path) -> Iterator[Server]:
    """A server with pg_cron, which knows the API's roles."""
    binaries = system_binaries(15)
    if binaries is None or not (binaries.parent / "lib" / "pg_cron.so").exists():
        missing = "pg_cron is not installed on this system"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    data_dir = folder / "server"
    try:
        own = start(data_dir)
        with psycopg.connect(own.url(), autocommit=True) as connection:
            for role in ("anon", "authenticated", "service_role"):
                connection.execute(SQL("create role {}").format(Identifier(role)))
        yield own
    finally:
        remove(data_dir)


@pytest.fixture(scope="module")
def scheduled(
    server: Server, built_template: str, installation: Installation
) -> Iterator[Scheduled]:
    """The built project, moved to a server that has pg_cron, without jobs yet."""
    with temporary_folder() as folder, cron_server(folder) as own:
        move(server.url(built_template), own, "scheduled")
        data_dir = folder / "server"
        yield Scheduled(own.url("scheduled"), folder, installation, data_dir)


on_15 = pytest.mark.parametrize("server", [15], indirect=True, ids=["pg15"])


@on_15
def test_the_jobs_are_installed_changed_and_removed_and_no_others(scheduled):
    # A first installation makes the extension, too.
    added = scheduled.answer("cron", "install")
    names = [job["jobname"] for job in added]
    assert {job["change"] for job in added} == {"add"}
    assert "compute-daily-kpis" in names
    scheduled.ask(
        "select cron.schedule('vacuum', '0 4 * * *', 'vacuum'),"
        " cron.schedule("
        "     'ask', '0 5 * * *', $$select orchestrator.request('kpi_daily')$$"
        " )"
    )
    jobs = "select jobid, jobname, schedule, command, username from cron.job order by 1"
    before = scheduled.ask(jobs)
    assert scheduled.answer("cron", "install") == []
    assert scheduled.ask(jobs) == before
    assert scheduled.call("cron", "status").exit_code == 0

    # GMT is pg_cron's zone here, whatever the server's file says of it.
    assert ("compute-daily-kpis", "0 1 * * *", "postgres") in [
        (name, schedule, user) for _, name, schedule, _, user in before
    ]
    listed = scheduled.ask(
        "select jobname, schedule, last_status from analytics.get_cron_job_status()"
    )
    assert [name for name, _, _ in listed] == sorted(names)

    gone = "call orchestrator.run_job('compute-yearly-kpis')"
    scheduled.ask("select cron.schedule('compute-yearly-kpis', '@reboot', %s)", gone)
    scheduled.ask(
        "select cron.schedule('orchestrator-pulse', '0 0 1 1 *', command)"
        " from cron.job where jobname = 'orchestrator-pulse'"
    )
    scheduled.ask("select cron.unschedule('compute-weekly-kpis')")
    status = scheduled.call("cron", "status")
    assert status.exit_code == 1
    states = {
        job["jobname"]: job["state"]
        for job in json.loads(scheduled.call("cron", "status", "--json").stdout)
        if job["state"] != "installed"
    }
    assert states == {
        "compute-yearly-kpis": "unwanted",
        "orchestrator-pulse": "differs",
        "compute-weekly-kpis": "missing",
    }
    assert {
        job["jobname"]: job["change"] for job in scheduled.answer("cron", "install")
    } == {
        "compute-yearly-kpis": "remove",
        "orchestrator-pulse": "change",
        "compute-weekly-kpis": "add",
    }
    assert len(scheduled.answer("cron", "uninstall")) == len(names)
    assert scheduled.ask("select jobname from cron.job order by 1") == [
        ("ask",),
        ("vacuum",),
    ]
    assert scheduled.answer("cron", "uninstall") == []


@on_15
def test_a_job_of_somebody_else_is_not_replaced_by_one_of_the_same_name(scheduled):
    scheduled.answer("cron", "install")
    scheduled.answer("cron", "uninstall")
    theirs = scheduled.value(
        "select cron.schedule('compute-daily-kpis', '0 9 * * *', 'select 1')"
    )
    code, sentence = scheduled.refuse("cron", "install")
    assert code == 1
    assert sentence.startswith(
        'pg_cron has another job "compute-daily-kpis", of postgres in the database '
    )
    remedy = f"select cron.unschedule({theirs});"
    assert remedy in sentence
    assert (
        scheduled.value("select count(*) from cron.job where command like 'call%'") == 0
    )
    scheduled.ask(remedy)
    assert "compute-daily-kpis" in [
        job["jobname"] for job in scheduled.answer("cron", "install")
    ]


@on_15
def test_jobs_refresh_what_is_due_and_what_was_asked_for_immediate(scheduled):
    scheduled.answer("cron", "install")
    revenue = "select sum(total_revenue_orders) from analytics.metrics_daily"
    before = scheduled.value(revenue)
    # A minute of a day long ago: the schedule by itself would not look at it.
    scheduled.ask(
        "update restaurant.orders set total_amount = total_amount + 1000"
        " where id = (select min(id) from restaurant.orders)"
    )
    scheduled.ask("select orchestrator.request('kpi_weekly')")
    scheduled.ask(
        "update orchestrator.refresh_queue set immediate = model = 'kpi_weekly'"
    )
    done = scheduled.tick("refresh-metrics-daily", "orchestrator-pulse")
    assert {status for status, _ in done.values()} == {"succeeded"}, done
    assert scheduled.value(revenue) == before + 1000
    # This server has the database from a dump, whose tables are others than before.
    assert (
        scheduled.ask(
            "select model from orchestrator.refresh_queue"
            " where reason not like 'replaced %'"
        )
        == []
    )
    runs = scheduled.ask(
        "select distinct on (job) job, executor, status from orchestrator.job_runs"
        " where job in ('kpi_weekly', 'metrics_daily') order by job, id desc"
    )
    assert runs == [
        ("kpi_weekly", "pg_cron", "success"),
        ("metrics_daily", "pg_cron", "success"),
    ]


def test_jobs_refresh_the_tables_of_any_project():
    with temporary_folder() as folder, cron_server(folder) as own:
        with psycopg.connect(own.url(), autocommit=True) as connection:
            connection.execute("create database scheduled")
        project = stranger_in(folder)
        place = Scheduled(own.url("scheduled"), folder, project, folder / "server")
        build(place)
        place.answer("cron", "install")
        rows = "select sum(orders) from analytics.orders_daily"
        amounts = "select sum(amount) from analytics.charges_daily"
        before = place.value(rows), place.value(amounts)
        for change in CHANGES.values():
            place.ask(change)
        done = place.tick("refresh-orders_daily", "refresh-charges_daily")
        assert {status for status, _ in done.values()} == {"succeeded"}, done
        assert (place.value(rows), place.value(amounts)) == (
            before[0] + 1,
            before[1] + 1,
        )
        assert place.call("cron", "status").exit_code == 0


@on_15
def test_a_job_whose_model_fails_has_failed_and_leaves_its_requests(scheduled):
    scheduled.answer("cron", "install")
    sent = "select sum(messages_sent) from analytics.kpi_daily"
    expected = scheduled.value(sent)
    # What a refresh is to repair, and may not.
    scheduled.ask("update analytics.kpi_daily set messages_sent = messages_sent + 1")
    scheduled.ask(
        "alter table analytics.kpi_daily add constraint closed check (false) not valid"
    )
    scheduled.ask("select orchestrator.request('kpi_daily')")
    waiting = (
        "select count(*) from orchestrator.refresh_queue where model = 'kpi_daily'"
    )
    requests = scheduled.value(waiting)
    assert requests > 0
    ((status, message),) = scheduled.tick("compute-daily-kpis").values()
    assert status == "failed"
    assert "kpi_daily was not refreshed: " in message
    assert scheduled.value(waiting) == requests
    assert scheduled.ask(
        "select status, executor from orchestrator.job_runs"
        " where job = 'kpi_daily' order by id desc limit 1"
    ) == [("error", "pg_cron")]
    shown = scheduled.call("cron", "status").stdout
    assert "compute-daily-kpis failed: kpi_daily was not refreshed: " in shown

    scheduled.ask("alter table analytics.kpi_daily drop constraint closed")
    ((status, _),) = scheduled.tick("compute-daily-kpis").values()
    assert status == "succeeded"
    assert scheduled.value(waiting) == 0
    assert scheduled.value(sent) == expected


@on_15
def test_old_histories_of_our_jobs_are_forgotten(scheduled):
    scheduled.answer("cron", "install")
    scheduled.ask(
        "insert into cron.job_run_details"
        " (jobid, runid, database, command, status, end_time)"
        " select 0, -row_number() over (), 'scheduled', command, 'succeeded', at"
        " from (values ('call orchestrator.pulse()'), ('vacuum')) as old (command)"
        " cross join (values (now() - interval '1 year'), (now())) as ended (at)"
    )
    # Those that a crash cut short have no end, some no start either.
    scheduled.ask(
        "insert into cron.job_run_details"
        " (jobid, runid, database, command, status, start_time)"
        " select 0, -1000 - row_number() over (), 'scheduled',"
        " 'call orchestrator.pulse()', 'starting', at"
        " from (values (now() - interval '1 year'), (null)) as begun (at)"
    )
    scheduled.ask("call orchestrator.housekeep()")
    assert (
        scheduled.value("select count(*) from cron.job_run_details where runid < -1000")
        == 0
    )
    assert scheduled.ask(
        "select command, end_time > now() - interval '1 day'"
        " from cron.job_run_details where runid < 0 order by 1, 2"
    ) == [
        ("call orchestrator.pulse()", True),
        ("vacuum", False),
        ("vacuum", True),
    ]
    scheduled.ask("delete from cron.job_run_details where runid < 0")


@on_15
def test_pg_cron_of_another_database_takes_what_is_shown(
    server, built_template, scheduled
):
    scheduled.answer("cron", "install")
    own = Server.find(scheduled.data_dir)
    assert own is not None
    move(server.url(built_template), own, "elsewhere")
    (folder := scheduled.folder / "elsewhere").mkdir()
    elsewhere = Workplace(own.url("elsewhere"), folder, scheduled.installation)
    code, sentence = elsewhere.refuse("cron", "install")
    assert code == 1
    assert sentence.startswith(
        'pg_cron of this server is in the database "scheduled", not in "elsewhere".'
    )
    code, sentence = elsewhere.refuse("cron", "status")
    assert "It is in the database scheduled of this server: have there run" in sentence
    for statement in elsewhere.call("cron", "show").stdout.splitlines():
        scheduled.ask(statement.replace("('", "('elsewhere ", 1))
    jobs = "select count(*) from cron.job where database = 'elsewhere'"
    assert scheduled.value(jobs) == len(elsewhere.answer("cron", "show"))
    assert scheduled.answer("cron", "install") == []
    scheduled.answer("cron", "uninstall")
    assert scheduled.value(jobs) > 0


@on_15
def test_an_uninstallation_takes_our_jobs_along_and_no_others(scheduled):
    scheduled.answer("cron", "install")
    theirs = scheduled.value("select cron.schedule('theirs', '0 4 * * *', 'select 1')")
    commands = [job["command"] for job in scheduled.answer("cron", "show")]
    removed = scheduled.answer("uninstall", "--yes")
    (jobs,) = (entry["names"] for entry in removed if entry["kind"] == "pg_cron job")
    assert "orchestrator-pulse" in jobs
    left = scheduled.ask("select jobid, database, command from cron.job")
    assert (theirs, "scheduled", "select 1") in left
    assert not [job for job in left if job[1:] in [("scheduled", c) for c in commands]]
