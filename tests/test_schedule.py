"""Who refreshes what and when, and what a person hears of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from orchestrator import refresh_runs

pytest_plugins = ["projects"]

LATE_ENTRY = """
insert into community.access_logs (community_id, entry_type, decision, occurred_at)
select id, 'visitor', 'granted', now() - interval '40 days'
from community.communities
order by created_at
limit 1
"""
BREAK = "alter table analytics.kpi_daily rename to moved"
FIX = "alter table analytics.moved rename to kpi_daily"
RUNS = """
select job, executor, status from orchestrator.job_runs where id > %s order by id
"""


@pytest.fixture
def connect(project):
    """Connections of this test's own; each statement commits by itself."""
    opened = []

    def connect(**settings):
        opened.append(psycopg.connect(project.url, autocommit=True, **settings))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def taken(connection, eager=True):
    take = "select * from orchestrator.claim_due(%s)"
    return [model for (model,) in connection.execute(take, (eager,))]


def last_run(place):
    return place.value("select coalesce(max(id), 0) from orchestrator.job_runs")


def test_two_workers_are_not_told_the_same(project, connect):
    project.ask(LATE_ENTRY)
    project.ask("delete from restaurant.calls")
    one, other = connect(), connect()
    with one.transaction():
        assert taken(one) == ["kpi_daily", "metrics_daily", "kpi_monthly"]
        with other.transaction():
            assert taken(other) == []
    with other.transaction():
        assert taken(other) == ["kpi_daily", "metrics_daily", "kpi_monthly"]


def test_a_worker_that_builds_is_in_the_way_of_other_workers_alone(project, connect):
    project.ask(LATE_ENTRY)
    project.ask("delete from restaurant.calls")
    worker = connect()
    with refresh_runs.keeping(
        worker, refresh_runs.claim_due(worker, eager=True)
    ) as kept:
        assert kept == ["kpi_daily", "metrics_daily", "kpi_monthly"]
        assert taken(connect()) == []
        locks = "select distinct locktype from pg_locks where pid = %s"
        held = project.ask(locks, worker.info.backend_pid)
        assert {locktype for (locktype,) in held} == {"advisory", "virtualxid"}
    assert taken(connect()) == kept


def test_what_reads_a_table_that_is_being_refreshed_waits_for_it(project, connect):
    project.ask(LATE_ENTRY)
    project.ask("delete from restaurant.calls")
    person, worker = connect(), connect()
    with person.transaction():
        person.execute("select orchestrator.refresh('kpi_daily', 'person')")
        assert taken(worker) == ["metrics_daily"]
    assert taken(worker) == ["metrics_daily", "kpi_monthly", "kpi_weekly"]


def test_what_has_just_failed_is_tried_again_later(project, connect):
    project.ask(LATE_ENTRY)
    project.ask(BREAK)
    connection = connect()
    connection.execute("select orchestrator.refresh('kpi_daily', 'test')")
    project.ask("update orchestrator.refresh_queue set immediate = true")
    assert "kpi_daily" not in taken(connection, eager=False)
    assert "kpi_daily" in taken(connection)
    project.ask(
        "update orchestrator.job_runs set finished_at = now() - interval '5 seconds'"
        " where status = 'error'"
    )
    assert "kpi_daily" in taken(connection, eager=False)


def test_a_table_that_is_costly_each_time_has_its_share_of_the_time(project, connect):
    """Half of it: it rests as long as the quickest of its last three runs took."""
    here = connect()
    earlier = (
        "update orchestrator.job_runs set (started_at, finished_at)"
        " = (started_at - shift, finished_at - shift)"
        " from (select %s::interval) as shifts (shift)"
    )
    project.ask(earlier, "1 hour")
    project.ask(
        "insert into orchestrator.refresh_queue (model, reason, immediate)"
        " values ('kpi_daily', 'source', true)"
    )
    assert "kpi_daily" in taken(here, eager=False)
    run = (
        "insert into orchestrator.job_runs (job, executor, status, started_at,"
        " finished_at) select 'kpi_daily', 'database', 'success',"
        " clock_timestamp() - interval '61 seconds', clock_timestamp() - interval '1 s'"
    )
    project.ask(run)
    assert "kpi_daily" in taken(here, eager=False)  # once is no habit
    project.ask(f"{run} from generate_series(1, 2)")
    assert "kpi_daily" not in taken(here, eager=False)
    assert "kpi_daily" in taken(here)
    left = "select rests_until - clock_timestamp() from orchestrator.model_status"
    rests = project.value(f"{left} where model = 'kpi_daily'")
    assert timedelta(seconds=50) < rests < timedelta(seconds=60)
    project.ask(earlier, "1 minute")
    assert "kpi_daily" in taken(here, eager=False)
    # The rest of a long request goes on.
    project.ask(run)
    project.ask("update orchestrator.refresh_queue set backlog = 1")
    assert "kpi_daily" in taken(here, eager=False)


def test_what_is_not_asked_for_at_once_waits_for_its_cadence(project, connect):
    worker = connect()
    project.ask("update orchestrator.models set refreshed_through = now()")
    project.ask(LATE_ENTRY)
    assert taken(worker, eager=False) == []
    project.ask("update orchestrator.refresh_queue set immediate = model = 'kpi_daily'")
    assert taken(worker, eager=False) == ["kpi_daily"]
    project.ask(
        "update orchestrator.models set refreshed_through = now() - interval '40 days'"
        " where model = 'kpi_monthly'"
    )
    assert taken(worker, eager=False) == ["kpi_daily", "kpi_monthly"]


def test_a_job_refreshes_its_tables_and_what_they_read(project):
    project.ask(LATE_ENTRY)
    before = last_run(project)
    project.ask("call orchestrator.run_job('compute-weekly-kpis')")
    assert project.ask(RUNS, before) == [
        ("kpi_daily", "pg_cron", "success"),
        ("kpi_weekly", "pg_cron", "success"),
    ]
    before = last_run(project)
    project.ask("call orchestrator.run_job('compute-weekly-kpis')")
    assert project.ask(RUNS, before) == []


def test_a_job_fails_aloud_after_it_has_refreshed_the_rest(project):
    project.ask(LATE_ENTRY)
    project.ask("delete from community.incidents")
    project.ask("alter table analytics.kpi_weekly rename to gone")
    waiting = "select count(*) from orchestrator.refresh_queue where model = %s"
    before = last_run(project)
    with pytest.raises(psycopg.Error, match="kpi_weekly was not refreshed: "):
        project.ask("call orchestrator.run_job('compute-weekly-kpis')")
    assert project.ask(RUNS, before) == [
        ("kpi_daily", "pg_cron", "success"),
        ("kpi_weekly", "pg_cron", "error"),
    ]
    assert project.value(waiting, "kpi_daily") == 0
    assert project.value(waiting, "kpi_weekly") > 0


def test_an_unknown_job_is_named(project):
    with pytest.raises(
        psycopg.Error, match='There is no job "compute-nothing"'
    ) as said:
        project.ask("call orchestrator.run_job('compute-nothing')")
    assert "compute-daily-kpis" in said.value.diag.message_hint


def test_what_is_asked_for_at_once_does_not_wait_for_its_cadence(whole_project):
    waiting = "select distinct model from orchestrator.refresh_queue where immediate"
    for change, model in {
        "update rental.bookings set status = 'cancelled', cancelled_at = now() "
        "where status = 'confirmed'": "equipment_utilization",
        "update rental.payout_reconciliations set amount = amount + 1": (
            "financial_summary"
        ),
        "update rental.support_tickets set priority = 'urgent'": "alert_candidates",
        "delete from rental.insurance_documents": "alert_candidates",
        "delete from rental.equipment_maintenance": "alert_candidates",
    }.items():
        whole_project.ask(change)
        assert (model,) in whole_project.ask(waiting), change
        whole_project.ask("call orchestrator.pulse()")
        assert whole_project.ask(waiting) == []
        assert whole_project.value(
            "select waiting from orchestrator.model_status where model = %s", model
        ) == (0)


def test_a_safety_event_is_logged_immediate(whole_project):
    whole_project.ask(
        """
        insert into plant.downtime_events (asset_id, started_at, reason_code)
        select id, now(), 'Safety Issue' from plant.assets limit 1
        """
    )
    before = whole_project.count("safety_events")
    whole_project.ask("call orchestrator.pulse()")
    assert whole_project.count("safety_events") == before + 1


def test_all_who_refresh_at_once_do_so_in_peace(project):
    """A worker, pg_cron, an admin and a person's functions, under load."""
    project.ask("select analytics.manual_refresh()")  # or it begins with stale tables
    ((community, first_day),) = project.ask(
        """
        select community_id, min(metric_date) from analytics.kpi_daily
        group by community_id order by 2 limit 1
        """
    )
    refresh_runs = {
        "application": [
            """
            insert into community.access_logs (
                community_id, entry_type, decision, occurred_at
            )
            select id, 'visitor', 'granted', now() - random() * interval '60 days'
            from community.communities
            """,
            """
            delete from restaurant.calls
            where id = (select id from restaurant.calls order by random() limit 1)
            """,
        ],
        "worker": [
            """
            select orchestrator.refresh(model, 'worker')
            from orchestrator.claim_due() as model
            """,
            "select orchestrator.watch()",
        ],
        "pg_cron": [
            "call orchestrator.run_job('compute-weekly-kpis')",
            "call orchestrator.run_job('refresh-metrics-daily')",
            "call orchestrator.pulse()",
        ],
        "admin": [
            "select analytics.manual_refresh()",
            "select orchestrator.audit('kpi_daily', 3)",
        ],
        "person": [
            f"select analytics.compute_daily_kpis('{community}', '{first_day}')",
            f"select analytics.refresh_kpis('{community}', 3)",
            "select analytics.refresh_metrics_daily()",
        ],
    }

    def work(statements):
        with psycopg.connect(project.url, autocommit=True) as connection:
            for _ in range(15):
                for statement in statements:
                    connection.execute(statement)

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(work, each) for each in refresh_runs.values()]:
            done.result()
    assert project.value("select analytics.manual_refresh()").endswith("changed.")
    project.ask("select orchestrator.watch()")  # closes what it saw under way
    assert (
        project.ask(
            "select * from orchestrator.job_runs where status in ('running', 'error')"
        )
        == []
    )
    assert project.ask("select * from orchestrator.alert_incidents") == []
    for (model,) in project.ask("select model from orchestrator.models"):
        ((periods, different, _),) = project.ask(
            "select * from orchestrator.audit(%s)", model
        )
        assert periods > 0
        assert different == 0


def test_a_run_whose_process_died_is_closed(project, connect):
    project.ask(
        """
        insert into orchestrator.job_runs (job, executor, started_at)
        values ('kpi_daily', 'dbt', now() - interval '1 minute')
        """
    )
    status = "select status from orchestrator.job_runs order by id desc limit 1"
    refreshing = connect()
    with refreshing.transaction():
        refreshing.execute(
            """
            select pg_advisory_xact_lock(
                hashtext('orchestrator'), hashtext('kpi_daily')
            )
            """
        )
        project.ask("select orchestrator.watch()")
        assert project.value(status) == "running"
    project.ask("select orchestrator.watch()")
    assert project.value(status) == "error"


def test_the_fourth_failure_opens_one_incident_and_a_success_closes_it(project):
    incidents = """
    select incident.closed_at is null, array_agg(notice.event order by notice.id)
    from orchestrator.alert_incidents as incident
    inner join orchestrator.notices as notice on notice.incident_id = incident.id
    where incident.model = 'kpi_daily' and incident.kind = 'failing'
    group by incident.id
    """
    project.ask(LATE_ENTRY)
    project.ask(BREAK)
    for _ in range(3):
        project.ask("select analytics.refresh('kpi_daily')")
        project.ask("select orchestrator.watch()")
    assert project.ask(incidents) == []
    for _ in range(3):
        project.ask("select analytics.refresh('kpi_daily')")
        project.ask("select orchestrator.watch()")
    assert project.ask(incidents) == [(True, ["opened"])]
    project.ask(FIX)
    project.ask("select analytics.refresh('kpi_daily')")
    project.ask("select orchestrator.watch()")
    assert project.ask(incidents) == [(False, ["opened", "closed"])]


def test_a_table_staler_than_twice_its_period_is_an_incident(project):
    kinds = """
    select kind, closed_at is null
    from orchestrator.alert_incidents
    where model = 'metrics_daily'
    """
    project.ask("select orchestrator.watch()")
    project.ask(
        """
        update orchestrator.models
        set refreshed_through = now() - interval '11 minutes'
        where model = 'metrics_daily'
        """
    )
    project.ask("select orchestrator.watch()")
    assert project.ask(kinds) == [("stale", True)]
    project.ask("select analytics.refresh('metrics_daily')")
    project.ask("select orchestrator.watch()")
    assert project.ask(kinds) == [("stale", False)]


def test_histories_are_kept_for_a_while_and_no_longer(project):
    for days in (1, 89, 91, 200):
        project.ask(
            """
            insert into orchestrator.job_runs (job, executor, started_at, status)
            values ('kpi_daily', 'old', now() - %s * interval '1 day', 'success')
            """,
            days,
        )
    project.ask(
        """
        insert into orchestrator.alert_incidents (
            model, kind, message, opened_at, closed_at
        )
        values
        ('kpi_daily', 'stale', 'long ago', '2020-01-01', '2020-01-02'),
        ('kpi_daily', 'stale', 'still', '2020-01-01', null)
        """
    )
    project.ask("call orchestrator.housekeep()")
    kept = "select count(*) from orchestrator.job_runs where executor = 'old'"
    assert project.value(kept) == 2
    assert project.ask("select message from orchestrator.alert_incidents") == [
        ("still",)
    ]
