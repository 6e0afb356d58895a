"""`orchestrator worker`: what it keeps fresh, what it survives, how it ends.

Set KILLS for a longer search for what a crash may lose.
"""

import os
import random
import signal
import time
from unittest import mock

import psycopg
import pytest
from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS
from projects import FEW, Workplace, fill, workplace
from servers import HASTY, temporary_server
from workers import (
    hurry,
    is_served,
    load,
    start_worker,
    until,
    webhook,
    worker,
    workers,
)
from worlds import World

from kpi_demo.binaries import system_binaries
from kpi_demo.server import Server
from orchestrator.dbt import LoadedProject
from orchestrator.project import Project

pytest_plugins = ["projects"]

KILLS = int(os.environ.get("KILLS", "4"))

LATE_ENTRY = """
    insert into community.access_logs (
        community_id, entry_type, decision, occurred_at
    )
    select id, 'visitor', 'granted', now() - interval '40 days'
    from community.communities order by created_at limit 1
"""
CALL = """
    insert into restaurant.calls (
        account_id, location_id, call_type, status, started_at
    )
    select account_id, id, 'order', 'completed', now() - interval '1 day'
    from restaurant.locations limit 1
"""

# A row whose content is new to metrics_daily can no longer be written to it.
REFUSE_ROWS = """
    alter table analytics.metrics_daily
    add constraint nothing_new check (total_calls < 0) not valid
"""
# Each row that is written says that seven messages more were sent.
SPOIL_ROWS = """
    create function public.spoil() returns trigger language plpgsql as $$
    begin new.messages_sent := new.messages_sent + 7; return new; end $$;
    create trigger spoil before insert or update on analytics.kpi_daily
    for each row execute function public.spoil();
"""
WRONG = (
    "kpi_daily does not pass its data tests: kpi_daily_counts_messages: 1 wrong row."
)

OVERLAPPING = """
    select one.job
    from orchestrator.job_runs as one
    inner join orchestrator.job_runs as other
        on one.job = other.job and one.id < other.id
        and tstzrange(one.started_at, one.finished_at)
        && tstzrange(other.started_at, other.finished_at)
    where one.started_at > %s
"""


def last_run(place, model):
    ((status, executor),) = place.ask(
        "select status, executor from orchestrator.job_runs"
        " where job = %s order by id desc limit 1",
        model,
    )
    return status, executor


def assert_as_built(place):
    with psycopg.connect(place.url) as connection:
        for domain in FEW:
            World.of(connection, domain).assert_as_built()
        connection.rollback()


@pytest.fixture
def copied(project):
    """The project, whose files the test may change."""
    project.use_copy()
    return project


def test_goes_on_whatever_is_broken_and_says_so_once(copied):
    place = copied
    hurry(place)
    model = place.folder / "project" / "models" / "restaurant" / "metrics_daily.sql"
    sql = model.read_text()
    with webhook() as hook, worker(place, "--webhook", hook.url) as running:
        place.ask(CALL)
        running.says("metrics_daily success: 1 period, 1 row changed")

        # A model that fails does not keep the others, and rows that tests find
        # wrong are reported: the database refreshes, and dbt tests afterwards.
        place.ask(REFUSE_ROWS)
        place.ask(SPOIL_ROWS)
        place.ask(CALL)
        place.ask(LATE_ENTRY)
        running.says(
            "metrics_daily error: metrics_daily was not refreshed: ",
            f"kpi_daily error: {WRONG}",
            "kpi_monthly success: 1 period, 1 row changed",
        )
        until(lambda: len(hook.taken) == 2, lambda: running.said)
        assert WRONG in hook.taken
        assert any("keeps the old rows of tenant" in text for text in hook.taken)
        place.ask("alter table analytics.metrics_daily drop constraint nothing_new")
        place.ask("drop function public.spoil cascade")
        until(lambda: is_served(place), lambda: running.said)
        assert last_run(place, "metrics_daily")[0] == "success"

        # Without a project that can be parsed, the database does it alone.
        model.write_text(sql + "{% if %}")
        running.says("dbt cannot refresh: ")
        place.ask(CALL)
        until(lambda: is_served(place), lambda: running.said)
        assert last_run(place, "metrics_daily") == ("success", "database")
        # And while dbt brings what was repaired into the database.
        with psycopg.connect(place.url) as other:
            view = "orchestrator.stg_community__access_logs"
            other.execute(f"lock table {view} in access exclusive mode")
            model.write_text(sql + "-- Edited.\n")
            until(lambda: last_run(place, "metrics_daily") == ("success", "dbt"))
            place.ask(CALL)
            until(lambda: last_run(place, "metrics_daily") == ("success", "database"))
        running.says("dbt refreshes again.", "(changed definition)")
        assert running.said.count("dbt cannot refresh") == 1

        # Neither does a connection that is lost end it.
        place.ask(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'orchestrator'"
        )
        running.says("Trying again.", "The database is back.")
        place.ask(CALL)
        place.ask("select orchestrator.request('kpi_daily')")
        until(lambda: is_served(place), lambda: running.said)
        # By dbt or by the database, whichever comes to it first.
        assert last_run(place, "metrics_daily")[0] == "success"
        assert "Traceback" not in running.said
    assert_as_built(place)


def test_audits_in_the_maintenance_window_and_ends_after_the_transaction_under_way(
    project,
):
    hurry(project)
    now = project.value("select to_char(now() at time zone 'UTC', 'HH24:MI')")
    with (
        worker(project, "--log-format", "json", "--maintenance-at", now) as running,
        psycopg.connect(project.url) as other,
    ):
        audited = """
            select count(distinct job) from orchestrator.job_runs
            where executor = 'audit' and status = 'success'
        """
        until(lambda: project.value(audited) == 4, lambda: running.said)
        until(lambda: is_served(project), lambda: running.said)
        other.execute("lock table analytics.metrics_daily in access exclusive mode")
        project.ask(CALL)
        until(lambda: project.value("select count(*) from pg_locks where not granted"))
        project.ask(LATE_ENTRY)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert running.process.poll() is None
        other.rollback()
        assert running.process.wait(60) == 0
        lines = running.said.splitlines()
        assert '"model": "metrics_daily", "status": "success"' in running.said
        assert '"message": "The worker has stopped."' in lines[-1]
    assert last_run(project, "metrics_daily")[0] == "success"
    assert project.ask("select distinct model from orchestrator.refresh_queue") == [
        ("kpi_daily",),
        ("kpi_monthly",),
    ]


def test_a_run_leaves_nothing_that_the_next_has_to_go_through(project):
    """dbt adds to a list in each, of which each entry costs it milliseconds."""
    with mock.patch.dict(os.environ, project.environment):
        loaded = LoadedProject(Project())
        lengths = []
        for _ in range(3):
            loaded.run(["kpi_daily"])
            lengths.append(len(DEFAULT_BASE_BEHAVIOR_FLAGS))
    assert lengths[1] == lengths[2]


def test_two_share_the_work_and_never_do_it_twice(project):
    hurry(project)
    with workers(project, 2) as (first, second):
        until(lambda: is_served(project))
        since = project.value("select now()")
        said = [len(first.said), len(second.said)]
        with load(project.url, seed=1):
            until(
                lambda: all(
                    " success: " in each.said[before:]
                    for each, before in zip((first, second), said, strict=True)
                ),
                lambda: f"{first.said}\n{second.said}",
            )
            time.sleep(2)
        until(lambda: is_served(project), lambda: first.said + second.said)
        assert (first.stop(), second.stop()) == (0, 0)
    statuses = "select distinct status from orchestrator.job_runs where started_at > %s"
    assert project.ask(statuses, since) == [("success",)]
    assert project.ask(OVERLAPPING, since) == []
    assert (
        project.value(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
        == 0
    )
    assert_as_built(project)


def test_loses_nothing_whatever_is_killed(server, installation):
    binaries = system_binaries(15) if server.version.startswith("15") else None
    choice = random.Random()
    with temporary_server(binaries) as own:
        with psycopg.connect(own.url(), autocommit=True) as connection:
            connection.execute("create database test")
        fill(own.url("test"), FEW)
        with workplace(own.url("test"), installation) as place:
            _kill_all_the_time(place, own, binaries, choice)


def _kill_all_the_time(place: Workplace, own: Server, binaries, choice):
    # The first finds a database in which nothing was ever built, and builds it.
    alive = [start_worker(place)]
    try:
        alive[0].says("kpi_weekly success")
        hurry(place)
        alive.append(start_worker(place))
        with load(place.url, seed=choice.randrange(1000)):
            for _ in range(KILLS):
                time.sleep(choice.uniform(0.5, 3))
                kind = choice.choice(["worker", "backends", "backend", "server"])
                if kind == "worker":
                    killed = alive.pop(0)
                    killed.process.kill()
                    killed.process.wait()
                    alive.append(start_worker(place))
                elif kind == "server":
                    own.stop("immediate")
                    Server.start(own.data_dir, binaries=binaries, settings=HASTY)
                else:
                    place.ask(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                        " where datname = current_database()"
                        " and pid <> pg_backend_pid()"
                        " order by random() limit %s",
                        1 if kind == "backend" else None,
                    )
        until(
            lambda: is_served(place),
            lambda: "\n".join(each.said for each in alive),
        )
        for each in alive:
            each.says("The worker has started")
            assert each.stop() == 0
            assert "Traceback" not in each.said
    finally:
        for each in alive:
            each.process.kill()
            each.process.wait()
    assert place.ask("select * from pg_locks where locktype = 'advisory'") == []
    assert (
        place.ask("select 1 from orchestrator.job_runs where status = 'running'") == []
    )
    assert_as_built(place)


def test_a_booking_that_changes_is_counted_within_seconds(whole_project):
    project = whole_project
    with worker(project) as running:
        rented = "select sum(rented_days) from analytics.equipment_utilization"
        before = project.value(rented)
        project.ask(
            """
            update rental.bookings set status = 'cancelled', cancelled_at = now()
            where id = (
                select bookings.id
                from rental.bookings
                inner join rental.equipment on equipment.id = equipment_id
                where is_active and status = 'completed'
                order by ends_on desc
                limit 1
            )
            """
        )
        until(lambda: project.value(rented) < before, lambda: running.said)
        assert running.stop() == 0


def test_a_time_out_of_idle_transactions_does_not_interrupt_dbt(project):
    """The worker waits in one while dbt works, which takes far longer than this."""
    project.ask(
        "do $$ begin execute format('alter database %I set"
        " idle_in_transaction_session_timeout = 250', current_database()); end $$"
    )
    hurry(project)
    with worker(project) as running:
        running.says("kpi_weekly success")
        project.ask(CALL)
        running.says("metrics_daily success: 1 period, 1 row changed")
        assert "Trying again" not in running.said
