"""The application changes its tables as it likes, and the summaries follow.

Or an incident says which do not, and why: never is a difference silent.
"""

import psycopg
import pytest

pytest_plugins = ["projects"]

# 50 calls of three days ago, of one location.
CALLS = """
    insert into {} (id, account_id, location_id, call_type, status, started_at)
    overriding system value
    select (random() * 1e15)::bigint, account_id, id, 'order', 'completed',
        now() - interval '3 days'
    from (select * from restaurant.locations order by id limit 1) as location,
        generate_series(1, 50)
"""

REFRESH = "select status, error_message from analytics.refresh('metrics_daily')"

# What the summary counts, and what the source has.
COUNTED = "select coalesce(sum(total_calls), 0)::integer from analytics.metrics_daily"
CALLED = """
    select count(*)::integer from restaurant.calls
    inner join restaurant.locations
        on locations.id = calls.location_id
        and locations.account_id = calls.account_id
"""

OPEN = """
    select model, kind, message from orchestrator.alert_incidents
    where closed_at is null and kind <> 'stale' order by id
"""

PARTITIONED = """
    alter table restaurant.calls rename to old_calls;
    create table restaurant.calls (like restaurant.old_calls including defaults)
    partition by range (started_at);
    create table restaurant.calls_old partition of restaurant.calls
    for values from ('2020-01-01') to ('{0}');
    create table restaurant.calls_new partition of restaurant.calls
    for values from ('{0}') to ('{1}');
    insert into restaurant.calls select * from restaurant.old_calls;
    drop table restaurant.old_calls;
"""


@pytest.fixture(params=["by an event trigger", "by a look"])
def noticed(request, project):
    """A project that notices what becomes of tables at once, or at the next look."""
    if request.param == "by a look":
        project.ask("drop event trigger orchestrator_look")
    return project


@pytest.fixture
def partitioned(noticed):
    """A project whose calls are partitioned by time, in the middle of its life."""
    (middle, last) = noticed.ask(
        "select (now() - interval '40 days')::date, (now() + interval '9 days')::date"
    )[0]
    noticed.ask(PARTITIONED.format(middle, last))
    assert_follows(noticed)
    noticed.ask("select orchestrator.watch()")
    assert_follows(noticed)
    return noticed


def assert_follows(place):
    """What a refresh leaves counts what is there."""
    ((status, error),) = place.ask(REFRESH)
    assert (status, error) == ("success", None)
    assert place.value(COUNTED) == place.value(CALLED)


ON_PARTITIONS = {
    "rows are inserted": [CALLS.format("restaurant.calls_new")],
    "rows are deleted": [
        "delete from restaurant.calls_old where ctid in "
        "(select ctid from restaurant.calls_old limit 5)"
    ],
    "rows move within it": [
        "update restaurant.calls_new set started_at = "
        "started_at - interval '1 day' where started_at > now() - interval '5 days'"
    ],
    "rows move out of it": [
        "update restaurant.calls set started_at = started_at - "
        "interval '60 days' where started_at > now() - interval '9 days'"
    ],
    "it is truncated": ["truncate restaurant.calls_old"],
    "it is detached": [
        "alter table restaurant.calls detach partition restaurant.calls_old"
    ],
    "it is dropped": ["drop table restaurant.calls_old"],
    "another is attached": [
        "create table restaurant.calls_far (like restaurant.calls)",
        CALLS.format("restaurant.calls_far").replace("'3 days'", "'20 years'"),
        "alter table restaurant.calls attach partition restaurant.calls_far for "
        "values from (minvalue) to ('2020-01-01')",
    ],
    "it is detached, changed and attached again": [
        "alter table restaurant.calls detach partition restaurant.calls_new",
        "truncate restaurant.calls_new",
        CALLS.format("restaurant.calls_new"),
        "alter table restaurant.calls attach partition restaurant.calls_new for "
        "values from (now() - interval '9 days') to (now() + interval '9 days')",
    ],
}


@pytest.mark.parametrize("change", ON_PARTITIONS)
def test_what_becomes_of_a_partition_shows_after_the_next_refresh(partitioned, change):
    before = partitioned.value(CALLED)
    for statement in ON_PARTITIONS[change]:
        partitioned.ask(statement)
    if "move" not in change and "attach" not in change:
        assert partitioned.value(CALLED) != before
    assert_follows(partitioned)
    (audit,) = partitioned.answer("audit", "metrics_daily", "--all")
    assert audit["rows_different"] == 0
    # And later writes, straight to partitions, too.
    partitioned.ask("select orchestrator.watch()")
    for (partition,) in partitioned.ask(
        "select inhrelid::regclass::text from pg_inherits"
        " where inhparent = 'restaurant.calls'::regclass"
    ):
        partitioned.ask(f"delete from {partition} where random() < 0.5")
    assert_follows(partitioned)


def test_an_empty_partition_that_is_added_or_dropped_asks_for_little(partitioned):
    """As each month brings one, and takes one."""
    partitioned.ask(
        "create table restaurant.calls_next partition of restaurant.calls"
        " for values from (now() + interval '10 days') to (now() + interval '40 days')"
    )
    partitioned.ask("select orchestrator.watch()")
    assert partitioned.ask("select 1 from orchestrator.refresh_queue") == []
    partitioned.ask("drop table restaurant.calls_next")
    partitioned.ask("select orchestrator.watch()")
    asked = partitioned.ask(
        "select distinct lower(period) > now() from orchestrator.refresh_queue"
        " where model = 'metrics_daily'"
    )
    assert asked == [(True,)]
    assert_follows(partitioned)


def test_disabled_triggers_are_said_and_made_up_for(noticed):
    noticed.ask("alter table restaurant.calls disable trigger user")
    noticed.ask(CALLS.format("restaurant.calls"))
    noticed.ask("select orchestrator.watch()")
    ((model, kind, message),) = noticed.ask(OPEN)
    assert (model, kind) == ("restaurant.calls", "capture")
    assert message.startswith("Changes of restaurant.calls go unnoticed: ")
    assert message in noticed.call("status").stdout.replace("\n", " ")
    doctor = noticed.call("doctor")
    assert doctor.exit_code == 1
    assert "changes of restaurant.calls go unnoticed since" in doctor.stdout

    noticed.ask("alter table restaurant.calls enable trigger user")
    noticed.ask("select orchestrator.watch()")
    assert noticed.ask(OPEN) == []
    assert_follows(noticed)


def test_triggers_that_were_disabled_between_two_looks_are_made_up_for(noticed):
    """Enabled again they fire no longer always: so it is seen."""
    noticed.ask(
        "alter table restaurant.calls disable trigger user;"
        + CALLS.format("restaurant.calls")
        + "; alter table restaurant.calls enable trigger user"
    )
    noticed.ask("select orchestrator.watch()")
    assert_follows(noticed)


def test_a_run_enables_triggers_that_are_disabled(noticed):
    noticed.ask("alter table restaurant.calls disable trigger all")
    noticed.ask(CALLS.format("restaurant.calls"))
    noticed.answer("run", "-s", "metrics_daily")
    assert noticed.value(COUNTED) == noticed.value(CALLED)
    assert noticed.ask(OPEN) == []


def test_what_is_written_as_a_replica_is_noticed(project):
    project.ask(
        "set session_replication_role = replica; "
        + CALLS.format("restaurant.calls")
        + "; update restaurant.calls set started_at = started_at - interval '9 days'"
    )
    assert_follows(project)


def test_triggers_that_were_dropped_are_made_again(noticed):
    for event in ("insert", "update", "delete", "truncate"):
        noticed.ask(f"drop trigger orchestrator_capture_{event} on restaurant.calls")
    noticed.ask(CALLS.format("restaurant.calls"))
    noticed.ask("select orchestrator.watch()")
    assert_follows(noticed)
    noticed.ask(CALLS.format("restaurant.calls"))
    assert_follows(noticed)


def test_a_table_that_was_dropped_and_made_again_is_followed(noticed):
    noticed.ask(
        "create table restaurant.copy as select * from restaurant.calls limit 7;"
        " drop table restaurant.calls;"
        " alter table restaurant.copy rename to calls"
    )
    assert_follows(noticed)
    noticed.ask("select orchestrator.watch()")
    noticed.ask(CALLS.format("restaurant.calls"))
    assert_follows(noticed)


def test_a_table_in_use_is_an_incident_until_its_triggers_can_be_made(project):
    project.ask("drop event trigger orchestrator_look")
    project.ask("drop trigger orchestrator_capture_insert on restaurant.calls")
    with psycopg.connect(project.url) as writer:
        writer.execute("lock table restaurant.calls in row exclusive mode")
        project.ask("select orchestrator.watch()")
        ((model, kind, message),) = project.ask(OPEN)
        assert (model, kind) == ("restaurant.calls", "capture")
        assert "is in use by a transaction that does not end" in message
    project.ask("select orchestrator.watch()")
    assert project.ask(OPEN) == []
    assert_follows(project)


# What an application's own tools do to a table, as its next version wants it.
MIGRATIONS = [
    "alter table restaurant.orders alter column total_amount type numeric(16, 4)",
    "alter table restaurant.calls alter column call_type type varchar(40)",
    "alter table restaurant.calls drop column status",
    "alter table restaurant.calls alter column id drop identity;"
    " alter table restaurant.calls alter column id type numeric",
    "drop table restaurant.reservations",
    "alter table restaurant.calls alter column started_at type timestamptz(3)",
    "alter table restaurant.accounts alter column timezone type varchar(80)",
    "alter table restaurant.calls add column note text",
    "alter table restaurant.calls rename column status to state",
    "alter table restaurant.calls rename to old_calls",
    "alter schema restaurant rename to restaurants",
]


@pytest.mark.parametrize("migration", MIGRATIONS)
def test_a_migration_never_fails_because_of_the_summaries(project, migration):
    with psycopg.connect(project.url) as application:
        application.execute(migration)
        application.execute(
            "insert into community.messages (community_id, created_at)"
            " select id, now() from community.communities"
        )


def test_another_type_is_followed(project):
    project.ask(MIGRATIONS[0])
    project.ask(MIGRATIONS[1])
    project.ask(MIGRATIONS[6])
    project.ask(CALLS.format("restaurant.calls"))
    assert_follows(project)
    project.answer("run")
    project.ask(CALLS.format("restaurant.calls"))
    assert_follows(project)


def test_a_column_that_has_gone_fails_what_reads_it_and_says_so(project):
    rows = project.ask("select * from analytics.metrics_daily order by 1, 2, 3")
    project.ask("alter table restaurant.calls rename column status to state")
    project.ask(CALLS.format("restaurant.calls").replace("status", "state"))
    ((status, error),) = project.ask(REFRESH)
    assert status == "error"
    assert "status" in error
    assert project.ask("select * from analytics.metrics_daily order by 1, 2, 3") == rows
    project.ask("alter table restaurant.calls rename column state to status")
    assert_follows(project)


def test_a_tenant_may_get_another_id(project):
    """As with keys that cascade, Prisma's default."""
    for table in (
        "account_members",
        "locations",
        "account_settings",
        "calls",
        "orders",
        "reservations",
    ):
        project.ask(
            f"alter table restaurant.{table}"
            f" drop constraint {table}_account_id_fkey,"
            f" add constraint {table}_account_id_fkey foreign key (account_id)"
            " references restaurant.accounts (id) on update cascade on delete cascade"
        )
    before = project.count("metrics_daily")
    project.ask("update restaurant.accounts set id = gen_random_uuid()")
    assert_follows(project)
    assert project.count("metrics_daily") == before
    (audit,) = project.answer("audit", "metrics_daily", "--all")
    assert audit["rows_different"] == 0


KEYS = """
    select count(*) from pg_constraint
    where contype = 'f' and conrelid = 'analytics.metrics_daily'::regclass
"""


def test_foreign_keys_that_went_with_a_table_come_back_with_it(project):
    project.ask(
        "create table restaurant.copy as select * from restaurant.accounts;"
        " drop table restaurant.accounts cascade;"
        " alter table restaurant.copy rename to accounts;"
        " alter table restaurant.accounts add primary key (id)"
    )
    assert project.value(KEYS) == 1
    assert "lacks the foreign key" in project.call("doctor").stdout
    gone = project.value(
        "delete from restaurant.accounts where id ="
        " (select account_id from analytics.metrics_daily limit 1) returning id"
    )
    project.answer("run", "-s", "metrics_daily")
    assert project.value(KEYS) == 2
    assert (
        project.ask("select 1 from analytics.metrics_daily where account_id = %s", gone)
        == []
    )
    assert "lacks the foreign key" not in project.call("doctor").stdout


def test_a_table_that_was_released_may_be_changed_and_comes_back(project):
    refused = "truncate restaurant.locations, restaurant.calls, restaurant.orders"
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        project.ask(refused + ", restaurant.reservations, restaurant.location_settings")
    said = project.call("release", "restaurant.locations", "restaurant.calls").stdout
    assert "foreign key metrics_daily_location_id_fkey of analytics" in said
    assert "trigger orchestrator_capture_insert of restaurant.calls" in said
    project.ask(refused + ", restaurant.reservations, restaurant.location_settings")
    # Nobody but `install` brings anything back.
    project.ask("select orchestrator.watch()")
    project.answer("run", "-s", "metrics_daily")
    assert project.value(KEYS) == 1
    assert {row[0] for row in project.ask(OPEN)} == {
        "restaurant.calls",
        "restaurant.locations",
    }
    assert "restaurant.calls was released" in project.call("doctor").stdout

    project.answer("install")
    project.answer("run", "-s", "metrics_daily")
    assert project.value(KEYS) == 2
    project.ask("select orchestrator.watch()")
    assert project.ask(OPEN) == []
    assert project.count("metrics_daily") == 0
    project.ask(
        "insert into restaurant.locations (account_id, name)"
        " select id, 'L' from restaurant.accounts"
    )
    project.ask(CALLS.format("restaurant.calls"))
    assert_follows(project)
    code, sentence = project.refuse("release", "restaurant.nothing")
    assert code == 2
    assert sentence.startswith("No summary table reads a source table restaurant.not")


def declare(place, capture):
    """Have a copy of the project notice changes of calls in another way."""
    path = place.use_copy() / "models" / "restaurant" / "_restaurant__sources.yml"
    text = path.read_text()
    old = "capture: {tenant: account_id, at: [started_at]}"
    assert text.count(old) == 1
    path.write_text(text.replace(old, capture))
    return path


VERSIONED = "capture: {{tenant: account_id, at: [started_at], version: {}}}"


@pytest.mark.parametrize("version", ["xmin", "changed_at"])
def test_a_source_that_one_must_not_touch_is_known_by_its_rows_version(
    project, version
):
    """Late commits too; of rows that are deleted the audit knows."""
    project.ask("alter table restaurant.calls add changed_at timestamptz default now()")
    declare(project, VERSIONED.format(version))
    project.answer("run")
    assert (
        project.ask(
            "select 1 from pg_trigger where tgrelid = 'restaurant.calls'::regclass"
            " and tgname like 'orchestrator%%'"
        )
        == []
    )
    assert_follows(project)
    with psycopg.connect(project.url) as late:
        late.execute(CALLS.format("restaurant.calls"))
        project.ask(CALLS.format("restaurant.calls"))
        assert_follows(project)
        late.commit()
    assert_follows(project)
    project.ask(
        "update restaurant.calls set call_type = 'other', changed_at = now()"
        " where id = (select max(id) from restaurant.calls)"
    )
    ((_, periods, rows, _),) = project.ask(
        "select * from analytics.refresh('metrics_daily')"
    )
    assert (periods, rows) == (1, 1)
    ((_, periods, rows, _),) = project.ask(
        "select * from analytics.refresh('metrics_daily')"
    )
    assert rows == 0
    assert "noticed by version, but for rows that are deleted: restaurant.calls" in (
        project.call("doctor").stdout
    )
    project.ask("delete from restaurant.calls where random() < 0.5")
    (audit,) = project.answer("audit", "metrics_daily", "--all", "--repair")
    assert audit["rows_different"] > 0
    assert project.value(COUNTED) == project.value(CALLED)


def test_a_source_may_be_noticed_in_another_way_and_by_triggers_again(project):
    path = declare(project, "capture: {lookback: 9 days}")
    text = path.read_text()
    for way in (
        "capture: {lookback: 9 days}",
        VERSIONED.format("xmin"),
        "capture: {tenant: account_id, at: [started_at]}",
    ):
        path.write_text(text.replace("capture: {lookback: 9 days}", way))
        project.answer("run")
        project.ask(CALLS.format("restaurant.calls"))
        assert_follows(project)
    assert project.call("install", "--dry-run").stdout == ""


@pytest.mark.parametrize("kind", ["view", "materialized view", "foreign table"])
def test_what_is_no_table_is_a_source_by_lookback_or_by_version(project, server, kind):
    project.ask("alter table restaurant.calls rename to real_calls")
    if kind == "foreign table":
        try:
            project.ask("create extension postgres_fdw")
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("This PostgreSQL brings no postgres_fdw")
        login = psycopg.conninfo.conninfo_to_dict(project.url)
        project.ask(
            "create server elsewhere foreign data wrapper postgres_fdw options"
            f" (host '{login['host']}', port '{login['port']}',"
            f" dbname '{login['dbname']}');"
            " create user mapping for current_user server elsewhere options"
            f" (user '{login['user']}', password '{login['password']}');"
            " create foreign table restaurant.calls (id bigint, account_id uuid,"
            " location_id uuid, call_type text, status text, started_at timestamptz)"
            " server elsewhere options (schema_name 'restaurant',"
            " table_name 'real_calls')"
        )
    else:
        project.ask(
            f"create {kind} restaurant.calls as select * from restaurant.real_calls"
        )
    result = project.call("run", "-s", "+metrics_daily")
    assert result.exit_code == 1
    assert "restaurant.calls is no table, so that triggers cannot see" in result.output
    path = declare(project, VERSIONED.format("xmin"))
    result = project.call("run", "-s", "+metrics_daily")
    assert "restaurant.calls is no table of this database" in result.output

    text = path.read_text()
    for way in ("version: started_at, overlap: 9 days", "lookback: 9 days"):
        path.write_text(text.replace("version: xmin", way))
        project.answer("run")
        project.ask(CALLS.format("restaurant.real_calls"))
        if kind == "materialized view":
            project.ask("refresh materialized view restaurant.calls")
        assert_follows(project)


def test_rows_that_arrive_by_replication_are_noticed_where_it_is_declared(project):
    """Each by itself: what replicates them makes no statements."""
    declare(
        project, "capture: {tenant: account_id, at: [started_at], replicated: true}"
    )
    project.answer("run")
    assert project.call("install", "--dry-run").stdout == ""
    project.ask(
        "set session_replication_role = replica; " + CALLS.format("restaurant.calls")
    )
    assert_follows(project)
    project.ask("update restaurant.calls set status = 'missed' where random() < 0.5")
    project.ask("delete from restaurant.calls where random() < 0.5")
    assert_follows(project)
    project.ask("update restaurant.calls set id = id")
    assert project.ask("select 1 from orchestrator.refresh_queue") == []
