"""What a refresh promises, by any executor: dbt, or `select analytics.refresh()`."""

import os
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import psycopg
import pytest
from dbt.cli.main import dbtRunner
from psycopg.sql import SQL, Identifier

pytest_plugins = ["projects"]

SUMMARIES = ["kpi_daily", "kpi_weekly", "kpi_monthly", "metrics_daily"]


def dbt(place, *arguments):
    """Call dbt itself, as its command does; return whether all of it succeeded."""
    with mock.patch.dict(os.environ, place.environment):
        return dbtRunner().invoke(["--quiet", *arguments]).success


def refresh(place, model):
    """Refresh in the database; return status, periods and rows changed."""
    ((status, periods, rows, error),) = place.ask(
        "select * from analytics.refresh(%s)", model
    )
    assert status == "success", error
    return periods, rows


def contents(place, model):
    """The rows of a summary table, all columns but when they were computed."""
    query = SQL(
        "select to_jsonb(summary) - 'computed_at' from {} as summary order by 1"
    )
    return place.ask(query.format(Identifier("analytics", model)))


def written(place):
    """How many rows of summary tables have been written since the database began."""
    return place.value(
        "select pg_stat_force_next_flush()"
        " || (select sum(n_tup_ins + n_tup_upd + n_tup_del)"
        "     from pg_stat_user_tables where schemaname = 'analytics')::text"
    )


def a_day(place, days_ago=40):
    """A community, and one of its days that has long been computed."""
    ((community, day),) = place.ask(
        "select community_id, metric_date from analytics.kpi_daily"
        " where metric_date <= current_date - %s::integer"
        " order by metric_date desc, community_id limit 1",
        days_ago,
    )
    return community, day


def enter(place, community, day):
    """Let someone in at noon of a community's day."""
    place.ask(
        "insert into community.access_logs"
        " (community_id, entry_type, decision, occurred_at)"
        " select id, 'visitor', 'granted',"
        "     (%s::date + time '12:00') at time zone timezone"
        " from community.communities where id = %s",
        day,
        community,
    )


def entries(place, community, day):
    return place.value(
        "select total_entries from analytics.kpi_daily"
        " where community_id = %s and metric_date = %s",
        community,
        day,
    )


@pytest.fixture(params=["database", "dbt"])
def refreshed_by(request):
    """Each way to refresh a model."""
    if request.param == "database":
        return lambda place, model: refresh(place, model)
    return lambda place, model: place.answer("run", "--select", model)


def test_a_second_build_writes_no_row(project):
    before = written(project)
    assert dbt(project, "build", "--exclude-resource-type", "unit_test")
    assert written(project) == before


def test_a_late_row_is_counted_on_its_day_and_nowhere_else(project, refreshed_by):
    community, day = a_day(project)
    before = dict(project.ask("select id, total_entries from analytics.kpi_daily"))
    enter(project, community, day)
    counted = entries(project, community, day)
    refreshed_by(project, "kpi_daily")
    after = dict(project.ask("select id, total_entries from analytics.kpi_daily"))
    assert entries(project, community, day) == counted + 1
    assert len(after.items() - before.items()) == 1


def test_a_changed_day_requests_its_week_and_its_month(project, refreshed_by):
    community, day = a_day(project)
    enter(project, community, day)
    refreshed_by(project, "kpi_daily")
    waiting = project.ask(
        "select distinct model from orchestrator.refresh_queue"
        " where reason = 'upstream kpi_daily' and tenant::uuid = %s order by 1",
        community,
    )
    assert waiting == [("kpi_monthly",), ("kpi_weekly",)]


def test_a_refresh_rewrites_only_the_rows_that_differ(project):
    project.ask("select orchestrator.request('kpi_daily')")
    before = written(project)
    periods, rows = refresh(project, "kpi_daily")
    assert periods > 100
    assert rows == 0
    assert written(project) == before


def test_a_group_whose_last_row_is_deleted_loses_its_row(project, refreshed_by):
    ((location, date),) = project.ask(
        "select location_id, date from analytics.metrics_daily"
        " order by date, location_id limit 1"
    )
    query = SQL(
        "delete from {table} where location_id = %s and ("
        "    select ({at} at time zone accounts.timezone)::date"
        "    from restaurant.accounts where accounts.id = account_id"
        ") = %s"
    )
    for table, at in [
        ("calls", "started_at"),
        ("orders", "created_at"),
        ("reservations", "created_at"),
    ]:
        names = {"table": Identifier("restaurant", table), "at": Identifier(at)}
        project.ask(query.format(**names), location, date)
    refreshed_by(project, "metrics_daily")
    assert not project.ask(
        "select date from analytics.metrics_daily where location_id = %s and date = %s",
        location,
        date,
    )


def test_a_day_equals_a_query_written_by_hand(project):
    wrong = project.ask(
        """
        select kpi_daily.community_id, kpi_daily.metric_date
        from analytics.kpi_daily
        inner join community.communities on communities.id = community_id
        where
            (total_entries, visitor_entries, denied_entries) <> (
                select
                    count(*) filter (where decision = 'granted'),
                    count(*) filter (
                        where decision = 'granted' and entry_type = 'visitor'
                    ),
                    count(*) filter (where decision = 'denied')
                from community.access_logs
                where
                    access_logs.community_id = communities.id
                    and (occurred_at at time zone timezone)::date = metric_date
            )
            or (payments_received, payments_amount) <> (
                select count(*), coalesce(sum(amount), 0)
                from community.transactions
                where
                    transactions.community_id = communities.id
                    and kind = 'payment'
                    and voided_at is null
                    and (posted_at at time zone timezone)::date = metric_date
            )
            or packages_pending <> (
                select count(*)
                from community.packages
                where
                    packages.community_id = communities.id
                    and (received_at at time zone timezone)::date <= metric_date
                    and coalesce(
                        (picked_up_at at time zone timezone)::date > metric_date,
                        true
                    )
            )
            or (units_delinquent, total_delinquent_amount) <> (
                select count(*), coalesce(sum(balance), 0)
                from (
                    select distinct on (unit_id) balance, oldest_due_date
                    from community.unit_balances
                    where
                        unit_balances.community_id = communities.id
                        and as_of_date <= metric_date
                    order by unit_id, as_of_date desc
                ) as latest
                where balance > 0 and oldest_due_date < metric_date
            )
        """
    )
    assert wrong == []


def test_dbt_and_the_database_leave_the_same_rows(project):
    community, day = a_day(project)
    enter(project, community, day)
    project.ask("update restaurant.accounts set timezone = 'Asia/Kolkata'")
    project.ask("delete from community.transactions where posted_at::date = %s", day)
    project.answer("run")
    by_dbt = {model: contents(project, model) for model in SUMMARIES}
    for model in SUMMARIES:
        project.ask("select orchestrator.request(%s)", model)
        assert refresh(project, model)[1] == 0
    assert dbt(project, "run", "--full-refresh")
    assert {model: contents(project, model) for model in SUMMARIES} == by_dbt


def test_an_application_that_truncates_a_source_empties_what_it_fed(project):
    project.ask("truncate restaurant.calls, restaurant.orders, restaurant.reservations")
    refresh(project, "metrics_daily")
    assert contents(project, "metrics_daily") == []


def test_a_request_for_some_days_computes_these_days_of_that_tenant(project):
    community, day = a_day(project)
    project.ask(
        "select orchestrator.request('kpi_daily', %s, %s, %s)", community, day, day
    )
    assert refresh(project, "kpi_daily") == (1, 0)


def test_an_inactive_community_keeps_its_days_and_gets_no_new_ones(project):
    community, _ = a_day(project)
    project.ask(
        "update community.communities set is_active = false where id = %s", community
    )

    def days():
        return dict(
            project.ask(
                "select community_id, count(*) from analytics.kpi_daily group by 1"
            )
        )

    before = days()
    with psycopg.connect(project.url) as connection:
        connection.execute(
            "select set_config('orchestrator.now', (now() + '3 days')::text, true)"
        )
        connection.execute("select * from analytics.refresh('kpi_daily')")
        connection.execute("select orchestrator.request('kpi_daily')")
        connection.execute("select * from analytics.refresh('kpi_daily')")
    gained = {tenant: count - before[tenant] for tenant, count in days().items()}
    inactive = project.ask("select id from community.communities where not is_active")
    assert {gained.pop(tenant) for (tenant,) in inactive} == {0}
    assert set(gained.values()) == {3}


def test_weeks_and_months_follow_the_days_of_an_inactive_community(project):
    """Whether the clock asks, or a request for all of the community's months."""
    months = "select count(*) from analytics.kpi_monthly where community_id = %s"
    weeks = "select count(*) from analytics.kpi_weekly where community_id = %s"
    community, _ = a_day(project)
    project.ask(
        "update community.communities set is_active = false where id = %s", community
    )
    for model in SUMMARIES[:3]:
        refresh(project, model)
    spanned = project.ask(
        "select count(distinct date_trunc('week', metric_date)),"
        " count(distinct date_trunc('month', metric_date))"
        " from analytics.kpi_daily where community_id = %s",
        community,
    )
    for asked in (None, community):
        with psycopg.connect(project.url) as connection:
            connection.execute(
                "select set_config('orchestrator.now', (now() + '80 days')::text, true)"
            )
            for model in SUMMARIES[:3]:
                if asked:
                    connection.execute(
                        "select orchestrator.request(%s, %s)", [model, asked]
                    )
                connection.execute("select * from analytics.refresh(%s)", [model])
            assert [
                *connection.execute(weeks, [community]).fetchone(),
                *connection.execute(months, [community]).fetchone(),
            ] == list(spanned[0])
            connection.rollback()


def test_a_refresh_by_name_refreshes_what_it_reads(project):
    community, day = a_day(project)
    enter(project, community, day)
    assert refresh(project, "kpi_weekly")[1] > 0
    assert not project.ask(
        "select 1 from orchestrator.refresh_queue where model = 'kpi_daily'"
    )

    enter(project, community, day)
    with psycopg.connect(project.url) as other:
        other.execute("select orchestrator.refresh('kpi_daily', 'test')")
        enter(project, community, day)
        ((status, *_),) = project.ask("select * from analytics.refresh('kpi_weekly')")
        assert status == "skipped"
    project.ask(
        "alter table analytics.kpi_daily add constraint no check (false) not valid"
    )
    ((status, _, _, error),) = project.ask(
        "select * from analytics.refresh('kpi_weekly')"
    )
    assert status == "error"
    assert error.startswith("kpi_daily, which it reads, was not refreshed: tenant ")


def test_a_failed_refresh_leaves_its_requests_and_a_run_that_says_why(project):
    community, day = a_day(project)
    enter(project, community, day)
    project.ask(
        "alter table analytics.kpi_daily add constraint no check (false) not valid"
    )
    ((status, _, _, error),) = project.ask(
        "select * from analytics.refresh('kpi_daily')"
    )
    assert status == "error"
    assert 'violates check constraint "no"' in error
    assert project.ask(
        "select status, error_message from orchestrator.job_runs"
        " where job = 'kpi_daily' order by id desc limit 1"
    ) == [("error", error)]
    project.ask("alter table analytics.kpi_daily drop constraint no")
    assert refresh(project, "kpi_daily") == (1, 1)


def test_a_failed_dbt_run_leaves_its_requests_and_a_run_that_says_why(project):
    community, day = a_day(project)
    enter(project, community, day)
    project.ask(
        "alter table analytics.kpi_daily add constraint no check (false) not valid"
    )
    assert not dbt(project, "run", "--select", "kpi_daily")
    ((status, error),) = project.ask(
        "select status, error_message from orchestrator.job_runs"
        " where job = 'kpi_daily' order by id desc limit 1"
    )
    assert status == "error"
    assert 'violates check constraint "no"' in error
    project.ask("alter table analytics.kpi_daily drop constraint no")
    assert refresh(project, "kpi_daily") == (1, 1)


def test_a_model_that_is_being_refreshed_is_skipped(project):
    with psycopg.connect(project.url) as other:
        other.execute("select * from analytics.refresh('kpi_daily')")
        community, day = a_day(project)
        enter(project, community, day)
        ((status, *_),) = project.ask("select * from analytics.refresh('kpi_daily')")
        assert status == "skipped"
    assert refresh(project, "kpi_daily") == (1, 1)


def test_a_killed_run_loses_no_request_and_is_closed_by_the_next(project):
    community, day = a_day(project)
    enter(project, community, day)
    counted = entries(project, community, day)
    running = (
        "select id from orchestrator.job_runs"
        " where job = 'kpi_daily' and status = 'running'"
    )
    with psycopg.connect(project.url) as blocker:
        blocker.execute("lock table community.access_logs in access exclusive mode")
        process = subprocess.Popen(
            [Path(sys.executable).with_name("dbt"), "run", "--select", "kpi_daily"],
            env={**os.environ, **project.environment},
            stdout=subprocess.DEVNULL,
        )
        while not project.ask(running):
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
        process.wait()
        project.ask(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'dbt' and datname = current_database()"
        )
    assert refresh(project, "kpi_daily") == (1, 1)
    assert entries(project, community, day) == counted + 1
    assert project.ask(
        "select status, error_message from orchestrator.job_runs"
        " where job = 'kpi_daily' and executor = 'dbt' order by id desc limit 1"
    ) == [("error", "The process ended before the run did.")]
    assert not project.ask(running)


def test_an_edited_model_recomputes_every_period_in_place(project):
    model = project.use_copy() / "models/community/kpi_daily.sql"
    assert dbt(project, "run", "--select", "kpi_daily")
    table = project.value("select 'analytics.kpi_daily'::regclass::oid")
    text = model.read_text()
    model.write_text(
        text.replace("count_events('message_sent')", "count_events('ticket_opened')")
    )
    assert text != model.read_text()
    assert dbt(project, "run", "--select", "kpi_daily")
    assert project.value("select 'analytics.kpi_daily'::regclass::oid") == table
    assert project.ask(
        "select bool_and(messages_sent = tickets_opened) from analytics.kpi_daily"
    ) == [(True,)]


def test_a_run_over_empty_inputs_changes_nothing(project):
    before = {model: contents(project, model) for model in SUMMARIES}
    assert dbt(project, "run", "--empty")
    assert {model: contents(project, model) for model in SUMMARIES} == before
    community, day = a_day(project)
    enter(project, community, day)
    assert refresh(project, "kpi_daily") == (1, 1)


def test_a_write_of_the_application_does_not_fail_for_a_renamed_column(project):
    project.ask("alter table community.messages rename column created_at to sent_at")
    project.ask(
        "insert into community.messages (community_id)"
        " select id from community.communities"
    )
    ((reason,),) = project.ask("select reason from orchestrator.refresh_queue")
    assert reason.startswith("capture failed: ")


def test_an_update_that_touches_no_column_we_read_requests_nothing(project):
    project.ask("update community.communities set name = 'Another'")
    assert project.value("select count(*) from orchestrator.refresh_queue") == 0


def test_summary_tables_have_the_keys_that_they_declare(project):
    keys = project.ask(
        "select conrelid::regclass::text, contype::text, pg_get_constraintdef(oid)"
        " from pg_constraint where contype in ('p', 'u', 'f')"
        " and connamespace = 'analytics'::regnamespace order by 1, 2, 3"
    )
    cascade = "REFERENCES {} ON UPDATE CASCADE ON DELETE CASCADE"
    community = (
        "f",
        "FOREIGN KEY (community_id) " + cascade.format("community.communities(id)"),
    )
    assert keys == [
        ("analytics.kpi_daily", *community),
        ("analytics.kpi_daily", "p", "PRIMARY KEY (id)"),
        ("analytics.kpi_daily", "u", "UNIQUE (community_id, metric_date)"),
        ("analytics.kpi_monthly", *community),
        ("analytics.kpi_monthly", "p", "PRIMARY KEY (id)"),
        ("analytics.kpi_monthly", "u", "UNIQUE (community_id, year, month)"),
        ("analytics.kpi_weekly", *community),
        ("analytics.kpi_weekly", "p", "PRIMARY KEY (id)"),
        ("analytics.kpi_weekly", "u", "UNIQUE (community_id, year, week_number)"),
        (
            "analytics.metrics_daily",
            "f",
            "FOREIGN KEY (account_id) " + cascade.format("restaurant.accounts(id)"),
        ),
        (
            "analytics.metrics_daily",
            "f",
            "FOREIGN KEY (location_id) " + cascade.format("restaurant.locations(id)"),
        ),
        ("analytics.metrics_daily", "p", "PRIMARY KEY (account_id, location_id, date)"),
    ]


def test_a_rebuild_gives_the_same_ids(project):
    project.ask("update community.communities set is_active = true")
    refresh(project, "kpi_weekly")
    before = project.ask("select id from analytics.kpi_weekly order by id")
    project.ask("truncate analytics.kpi_weekly")
    project.ask("select orchestrator.request('kpi_weekly')")
    refresh(project, "kpi_weekly")
    assert project.ask("select id from analytics.kpi_weekly order by id") == before


def test_who_has_only_a_restaurant_gets_only_that(sources):
    sources.ask("drop schema community cascade")
    assert dbt(sources, "build", "--vars", "domains: [restaurant]")
    tables = sources.ask(
        "select tablename from pg_tables where schemaname = 'analytics'"
    )
    assert tables == [("metrics_daily",)]
    assert not sources.ask(
        "select viewname from pg_views where viewname like '%community%'"
    )


def test_models_compile_and_show_without_a_claimed_queue(project):
    assert dbt(project, "compile", "--select", "kpi_weekly")
    assert dbt(project, "show", "--select", "kpi_daily", "--limit", "1")


def test_an_edited_view_recomputes_what_reads_it_once_it_is_built(project):
    staging = project.use_copy() / "models/community/staging"
    view = staging / "stg_community__access_logs.sql"
    view.write_text(view.read_text() + "where decision = 'denied'\n")
    assert dbt(project, "run", "--select", "kpi_daily")
    assert project.value("select sum(total_entries) from analytics.kpi_daily") > 0
    assert dbt(project, "run", "--select", "stg_community__access_logs", "kpi_daily")
    assert project.value("select sum(total_entries) from analytics.kpi_daily") == 0


def test_a_location_that_has_gone_leaves_rows_that_follow_their_own_account(project):
    ((location, former, owner),) = project.ask(
        "select location_id, account_id, accounts.id"
        " from analytics.metrics_daily"
        " inner join restaurant.accounts on accounts.id <> account_id"
        " where minutes_saved > 0 order by 1, 2, 3 limit 1"
    )

    def left_behind():
        return project.ask(
            "select to_jsonb(metrics_daily) from analytics.metrics_daily"
            " where account_id = %s and location_id = %s order by date",
            former,
            location,
        )

    project.ask(
        "update restaurant.locations set account_id = %s where id = %s", owner, location
    )
    refresh(project, "metrics_daily")
    before = left_behind()
    assert before
    project.ask(
        "insert into restaurant.account_settings values (%s, 'both', 111, 11)"
        " on conflict (account_id) do update set revenue_mode = 'both',"
        " avg_spend_per_head = 111, minutes_saved_baseline_seconds = 11",
        owner,
    )
    project.ask(
        "insert into restaurant.location_settings values (%s, 222, 22)"
        " on conflict (location_id) do update set"
        " avg_spend_per_head = 222, minutes_saved_baseline_seconds = 22",
        location,
    )
    refresh(project, "metrics_daily")
    project.ask("select orchestrator.request('metrics_daily')")
    assert refresh(project, "metrics_daily")[1] == 0
    assert left_behind() == before


def test_triggers_are_not_waited_for_behind_a_transaction_that_does_not_end(project):
    project.ask("drop trigger orchestrator_capture_insert on community.access_logs")
    with psycopg.connect(project.url) as application:
        application.execute("delete from community.access_logs where false")
        code, sentence = project.refuse("run", "-s", "kpi_daily")
    assert code == 1
    assert sentence == (
        "The source table community.access_logs is in use by a transaction that does "
        "not end, so its triggers cannot be made. Run this again when it has ended."
    )
    assert project.answer("run", "-s", "kpi_daily")
