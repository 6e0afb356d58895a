"""A row that a table cannot hold is its own tenant's, or period's, and nobody else's.

And no row makes a refresh without end, or one that lets others wait.
"""

import json

import psycopg
import pytest
from psycopg.sql import SQL, Literal

pytest_plugins = ["projects"]

ACCOUNTS = "select id from restaurant.accounts order by id"

QUARANTINE = """
    select tenant::uuid, attempts, reason from orchestrator.quarantine
    where model = 'metrics_daily' order by tenant
"""

INCIDENTS = """
    select kind, subject, message, closed_at is null
    from orchestrator.alert_incidents order by id
"""

ROWS = "select account_id, metrics_daily::text from analytics.metrics_daily"

# Each stops an account's rows; and what puts that right.
POISON = {
    "an unknown time zone": (
        "update restaurant.accounts set timezone = 'Mars/Olympus' where id = %s",
        "update restaurant.accounts set timezone = 'UTC' where id = %s",
        "time zone",
    ),
    "a sum that overflows": (
        "insert into restaurant.orders (account_id, location_id, total_amount,"
        " created_at) select account_id, id, 999999999999.99, now()"
        " from restaurant.locations, generate_series(1, 2) where account_id = %s",
        "delete from restaurant.orders where total_amount > 999999999"
        " and account_id = %s",
        "numeric field overflow",
    ),
    "a count that overflows": (
        "insert into restaurant.reservations (account_id, location_id, guest_count,"
        " avg_spend_per_head_override, created_at)"
        " select account_id, id, 2000000000, 999999999, now()"
        " from restaurant.locations where account_id = %s",
        "delete from restaurant.reservations where guest_count > 999999"
        " and account_id = %s",
        "numeric field overflow",
    ),
    "a value that a check refuses": (
        "alter table analytics.metrics_daily add constraint odd"
        " check (account_id <> '{0}' or total_calls < 0) not valid;"
        " update restaurant.calls set call_type = 'other' where account_id = '{0}'",
        "alter table analytics.metrics_daily drop constraint odd",
        'violates check constraint "odd"',
    ),
}


def execute(place, statement, tenant):
    if "%s" in statement:
        place.ask(statement, tenant)
    else:
        place.ask(statement.replace("{0}", str(tenant)))


def call(place, tenant):
    """A guest calls an account's restaurant."""
    place.ask(
        "insert into restaurant.calls (account_id, location_id, call_type, status,"
        " started_at) select account_id, id, 'order', 'completed',"
        " now() - interval '3 days' from restaurant.locations where account_id = %s",
        tenant,
    )


def calls(place, tenant):
    return place.value(
        "select sum(total_calls) from analytics.metrics_daily where account_id = %s",
        tenant,
    )


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("refreshed_by", ["database", "dbt"])
def test_one_tenants_bad_row_stops_that_tenant_alone(project, poison, refreshed_by):
    spoil, repair, reason = POISON[poison]
    (bad,), *others = project.ask(ACCOUNTS)
    before = {tenant: calls(project, tenant) for (tenant,) in others}
    kept = project.ask(ROWS + " where account_id = %s order by 2", bad)
    execute(project, spoil, bad)
    for (tenant,) in others:
        call(project, tenant)

    if refreshed_by == "dbt":
        result = project.call("run", "-s", "metrics_daily")
        assert result.exit_code == 0, result.stderr
    else:
        project.ask("select * from analytics.refresh('metrics_daily')")
    for tenant, number in before.items():
        assert calls(project, tenant) > number
    assert project.ask(ROWS + " where account_id = %s order by 2", bad) == kept
    ((tenant, attempts, why),) = project.ask(QUARANTINE)
    assert (tenant, attempts) == (bad, 1)
    assert reason in why
    ((kind, subject, message, is_open),) = project.ask(INCIDENTS)
    assert (kind, subject, is_open) == ("quarantine", str(bad), True)
    assert message.startswith(f"metrics_daily keeps the old rows of tenant {bad}: ")
    assert reason in message
    assert message in project.call("status").stdout

    # What others ask is served; the tenant's own is kept, and tried with backoff.
    for (tenant,) in others:
        call(project, tenant)
    project.ask("select orchestrator.refresh('metrics_daily', 'test')")
    assert project.ask(QUARANTINE) == [(bad, 1, why)]
    project.ask("update orchestrator.quarantine set retry_at = now()")
    project.ask("update orchestrator.job_runs set started_at = finished_at")  # no rest
    assert "metrics_daily" in str(project.ask("select orchestrator.claim_due()"))
    project.ask("select orchestrator.refresh('metrics_daily', 'test')")
    assert project.ask(QUARANTINE) == [(bad, 2, why)]
    as_of = dict(
        project.ask(
            "select tenant_id::uuid, as_of from analytics.data_freshness"
            " where model = 'metrics_daily'"
        )
    )
    assert as_of.pop(bad) < min(as_of.values())

    execute(project, repair, bad)
    call(project, bad)
    project.ask("select * from analytics.refresh('metrics_daily')")
    assert project.ask(QUARANTINE) == []
    assert [row[3] for row in project.ask(INCIDENTS)] == [False]
    (audit,) = project.answer("audit", "metrics_daily", "--all")
    assert audit["rows_different"] == 0


def test_a_first_build_gives_the_others_their_rows(sources):
    (bad,), *others = sources.ask(ACCOUNTS)
    execute(sources, POISON["a sum that overflows"][0], bad)
    sources.answer("run", "-s", "metrics_daily")
    built = sources.ask("select distinct account_id from analytics.metrics_daily")
    assert set(built) == set(others)
    assert [row[0] for row in sources.ask(QUARANTINE)] == [bad]


def test_one_bad_row_stops_its_period_in_a_table_without_tenants(whole_project):
    project = whole_project
    project.ask(
        "insert into rental.manual_payments (id, booking_id, amount, method,"
        " received_at) select gen_random_uuid(), (select id from rental.bookings"
        " limit 1), amount, 'cash', now() - days * interval '1 day'"
        " from (values (999999999999.99, 9), (999999999999.99, 9), (7, 3))"
        " as paid (amount, days)"
    )
    balance = (
        "select balance from analytics.revenue_trends where bucket_date ="
        " ((now() - %s * interval '1 day') at time zone 'America/New_York')::date"
    )
    before = [project.value(balance, days) for days in (9, 3)]
    project.ask("select * from analytics.refresh('revenue_trends')")
    assert project.value(balance, 9) == before[0]
    assert project.value(balance, 3) == before[1] + 7
    ((kind, _, message, is_open),) = project.ask(INCIDENTS)
    assert (kind, is_open) == ("quarantine", True)
    assert message.startswith("revenue_trends keeps the old rows of the period from ")

    project.ask("delete from rental.manual_payments where amount > 999999999")
    project.ask("select * from analytics.refresh('revenue_trends')")
    assert project.ask("select 1 from orchestrator.quarantine") == []
    assert [row[3] for row in project.ask(INCIDENTS)] == [False]


def test_what_stops_everybody_is_the_tables_failure(project):
    project.ask(
        "alter table analytics.metrics_daily add constraint no check (false) not valid"
    )
    for (tenant,) in project.ask(ACCOUNTS):
        call(project, tenant)
    ((status, _, _, error),) = project.ask(
        "select * from analytics.refresh('metrics_daily')"
    )
    assert status == "error"
    assert 'violates check constraint "no"' in error
    assert project.ask(QUARANTINE) == []
    assert project.ask("select 1 from orchestrator.refresh_queue limit 1") != []


def test_no_message_tells_a_tenants_values(project):
    """Neither PostgreSQL's detail, a failing row, nor a value that is quoted."""
    secret = 987654
    project.ask(
        "alter table analytics.kpi_daily add constraint small"
        " check (messages_sent < 1000) not valid"
    )
    project.ask(
        "insert into community.messages (community_id, created_at)"
        " select id, now() - interval '3 days' from community.communities,"
        " generate_series(1, 1001)"
    )
    project.ask(
        "update restaurant.accounts set timezone = %s"
        " where id = (select min(id::text)::uuid from restaurant.accounts)",
        f"Secret/{secret}",
    )
    project.ask("select analytics.manual_refresh()")
    project.call("run")
    messages = json.dumps(
        [
            project.ask("select error_message from orchestrator.job_runs"),
            project.ask("select message from orchestrator.alert_incidents"),
            project.ask("select payload from orchestrator.notices"),
            project.ask("select reason from orchestrator.quarantine"),
        ],
        default=str,
    )
    assert "violates check constraint" in messages
    for word in ("Failing row", "DETAIL", "1001"):
        assert word not in messages
        assert word not in project.call("status").stdout


@pytest.mark.parametrize("moment", ["-infinity", "0001-01-01", "infinity"])
def test_a_moment_that_is_no_real_one_makes_no_periods(project, moment):
    """Neither of a row, nor of a tenant's first day; and it is said."""
    before = project.count("metrics_daily"), project.count("kpi_daily")
    account = project.ask(ACCOUNTS)[0][0]
    project.ask(
        "insert into restaurant.calls (account_id, location_id, call_type, status,"
        " started_at) select account_id, id, 'order', 'completed', %s"
        " from restaurant.locations where account_id = %s limit 1",
        moment,
        account,
    )
    project.ask(
        "insert into community.communities (id, name, timezone, created_at)"
        " values (gen_random_uuid(), 'Old', 'UTC', %s)",
        moment,
    )
    for model in ("metrics_daily", "kpi_daily"):
        project.ask("select orchestrator.request(%s)", model)
        ((status, *_),) = project.ask("select * from analytics.refresh(%s)", model)
        assert status == "success"
    assert (project.count("metrics_daily"), project.count("kpi_daily")) == before
    if moment != "infinity":
        kinds = {row[0] for row in project.ask(INCIDENTS)}
        assert kinds == {"data"}


@pytest.fixture
def sliced(project):
    """A project whose refreshes compute 40 periods at a time."""
    settings = project.use_copy() / "dbt_project.yml"
    text = settings.read_text()
    assert "periods_per_transaction: 2000" in text
    settings.write_text(
        text.replace("periods_per_transaction: 2000", "periods_per_transaction: 40")
    )
    project.answer("run")
    return project


def test_a_long_refresh_is_slices_the_newest_first(sliced):
    """Each commits; what is asked meanwhile is in the next."""
    days = sliced.count("kpi_daily")
    assert days > 200
    sliced.ask("update analytics.kpi_daily set messages_sent = messages_sent + 1000")
    sliced.ask("select orchestrator.request('kpi_daily')")
    wrong = """
        select max(metric_date), count(*) from analytics.kpi_daily
        where messages_sent >= 1000
    """
    step = "select status, periods from orchestrator.refresh_slice('kpi_daily', %s, %s)"
    run = """
        select status, periods from orchestrator.job_runs
        where invocation = 'one run'
    """
    newest, left = sliced.ask(wrong)[0]
    steps = 0
    status = "running"
    while status == "running":
        ((status, periods),) = sliced.ask(step, "test", "one run")
        steps += 1
        if status == "running":
            ((until, number),) = sliced.ask(wrong)
            assert until < newest
            assert 0 < left - number <= 3 * 40
            newest, left = until, number
            assert sliced.ask(run) == [("running", periods)]
        if steps == 2:
            sliced.ask(
                "insert into community.messages (community_id, created_at)"
                " select id, created_at from community.communities"
            )
            sent = "select sum(messages_sent % 1000) from analytics.kpi_daily"
            before = sliced.value(sent)
        if steps == 3:
            assert sliced.value(sent) > before
    assert status == "success"
    assert periods >= days
    assert steps >= days / 80
    assert sliced.ask(wrong) == [(None, 0)]
    assert (
        sliced.ask("select 1 from orchestrator.refresh_queue where model = 'kpi_daily'")
        == []
    )
    assert sliced.ask(run) == [("success", periods)]
    (audit,) = sliced.answer("audit", "kpi_daily", "--all")
    assert audit["rows_different"] == 0


def test_tenants_without_rows_make_no_periods_beside_one_of_long_ago(sliced):
    """A refresh of everything costs what there is, not tenants times centuries."""
    sliced.ask("truncate restaurant.calls, restaurant.orders, restaurant.reservations")
    sliced.ask(
        "insert into restaurant.accounts (id, name, timezone)"
        " select gen_random_uuid(), 'New', 'UTC' from generate_series(1, 20)"
    )
    sliced.ask(
        "insert into restaurant.locations (account_id, name)"
        " select id, 'L' from restaurant.accounts where name = 'New'"
    )
    rebuild = (
        "select status, periods from orchestrator.refresh('metrics_daily', 'test')"
    )
    sliced.ask("select orchestrator.request('metrics_daily')")
    assert sliced.ask(rebuild) == [("success", 0)]
    assert sliced.count("metrics_daily") == 0

    sliced.ask(
        "insert into restaurant.calls (account_id, location_id, call_type, status,"
        " started_at) select account_id, id, 'order', 'completed', '2016-01-01'"
        " from restaurant.locations where name = 'L' limit 1"
    )
    sliced.ask("select orchestrator.request('metrics_daily')")
    ((status, periods),) = sliced.ask(rebuild)
    assert status == "success"
    assert 3650 < periods < 6000
    assert sliced.count("metrics_daily") == 1


def test_many_tenants_are_sliced_too_and_rows_of_nobody_go(sliced):
    """A request of everybody, of more tenants than one transaction may compute."""
    sliced.ask(
        "insert into restaurant.accounts (id, name, timezone)"
        " select gen_random_uuid(), 'New', 'UTC' from generate_series(1, 100)"
    )
    sliced.ask(
        "insert into restaurant.locations (id, account_id, name)"
        " select gen_random_uuid(), id, 'L' from restaurant.accounts"
        " where name = 'New'"
    )
    sliced.ask(
        "set session_replication_role = replica;"
        " insert into restaurant.calls (account_id, location_id, call_type,"
        " status, started_at) select account_id, locations.id, 'order',"
        " 'completed', now() - days * interval '1 day'"
        " from restaurant.locations, generate_series(1, 3) as days"
    )
    sliced.ask("select orchestrator.request('metrics_daily')")
    runs = sliced.answer("run", "-s", "metrics_daily")
    assert [run["status"] for run in runs] == ["success"]
    assert runs[0]["periods"] > 300
    (audit,) = sliced.answer("audit", "metrics_daily", "--all")
    assert audit["rows_different"] == 0


def test_an_edited_model_and_a_first_build_are_done_in_slices(sliced):
    sliced.ask("drop table analytics.metrics_daily")
    sliced.ask(
        "update orchestrator.models set refreshed_through = null"
        " where model = 'metrics_daily'"
    )
    runs = sliced.answer("run", "-s", "metrics_daily")
    assert runs[0]["periods"] > 200
    (audit,) = sliced.answer("audit", "metrics_daily", "--all")
    assert audit["rows_different"] == 0


def test_a_cancelled_refresh_is_a_failure_that_says_so(project):
    for (tenant,) in project.ask(ACCOUNTS):
        call(project, tenant)
    with psycopg.connect(project.url, autocommit=True) as connection:
        connection.execute(
            "create function public.slow() returns trigger language plpgsql as"
            " $$begin perform pg_sleep(30); return new; end$$;"
            " create trigger slow before insert or update on analytics.metrics_daily"
            " for each row execute function public.slow()"
        )
        connection.execute("set statement_timeout = '300ms'")
        ((status, _, _, error),) = connection.execute(
            "select * from analytics.refresh('metrics_daily')"
        ).fetchall()
    assert status == "error"
    assert error == "canceling statement due to statement timeout"
    assert project.ask(
        "select status, error_message from orchestrator.job_runs"
        " order by id desc limit 1"
    ) == [("error", error)]
    assert project.ask("select 1 from orchestrator.refresh_queue limit 1") != []


def test_a_job_goes_on_after_a_table_that_was_cancelled(project):
    project.ask(
        "create function public.slow() returns trigger language plpgsql as"
        " $$begin perform pg_cancel_backend(pg_backend_pid());"
        " perform pg_sleep(30); return new; end$$;"
        " create trigger slow before insert or update on analytics.kpi_daily"
        " for each row execute function public.slow()"
    )
    project.ask("update community.access_logs set decision = 'denied'")
    for (tenant,) in project.ask(ACCOUNTS):
        call(project, tenant)
    with pytest.raises(psycopg.Error, match="canceling statement due to user request"):
        project.ask(
            "call orchestrator.refresh_each(array['kpi_daily', 'metrics_daily'])"
        )
    last = dict(
        project.ask(
            "select distinct on (job) job, status from orchestrator.job_runs"
            " order by job, id desc"
        )
    )
    assert last["kpi_daily"] == "error"
    assert last["metrics_daily"] == "success"


def test_a_refresh_in_the_database_that_dies_leaves_its_run(project):
    """Observed by the watch while it was under way."""
    runs = SQL(
        "select status, error_message from orchestrator.job_runs"
        " where job = {} order by id desc limit 1"
    ).format(Literal("metrics_daily"))
    for (tenant,) in project.ask(ACCOUNTS):
        call(project, tenant)
    with psycopg.connect(project.url) as connection:
        connection.execute("select * from analytics.refresh('metrics_daily')")
        project.ask("select orchestrator.watch()")
        assert project.ask(runs) == [("running", None)]
        connection.rollback()
        project.ask("select orchestrator.watch()")
        assert project.ask(runs) == [("error", "The process ended before the run did.")]

    # One that ends well leaves its own run alone.
    with psycopg.connect(project.url) as connection:
        connection.execute("select * from analytics.refresh('metrics_daily')")
        project.ask("select orchestrator.watch()")
    project.ask("select orchestrator.watch()")
    assert project.ask(runs) == [("success", None)]
    assert (
        project.ask(
            "select 1 from orchestrator.job_runs where reason = 'observed'"
            " and status = 'running'"
        )
        == []
    )
