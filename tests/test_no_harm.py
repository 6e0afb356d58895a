"""The application never pays for its summaries: no write of its fails, none waits."""

import threading

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from seeds import CASCADE

pytest_plugins = ["projects"]

QUEUE = "orchestrator.refresh_queue"

# Ways in which what a capture needs may be broken.
BROKEN = {
    "the queue was dropped": f"drop table {QUEUE} cascade",
    "the queue was renamed": f"alter table {QUEUE} rename to other",
    "the queue lacks a column": f"alter table {QUEUE} drop reason cascade",
    "the queue has a column more": f"alter table {QUEUE} add more text not null",
    "a constraint refuses": f"alter table {QUEUE} add check (false) not valid",
    "a trigger refuses": f"""
        create function public.refuse() returns trigger language plpgsql
        as $$begin raise exception 'no'; end$$;
        create trigger refuse before insert on {QUEUE}
        for each row execute function public.refuse()
    """,
    "a number comes twice": """
        insert into orchestrator.refresh_queue (model, id, reason)
        overriding system value
        select 'kpi_daily', id, 'restored' from generate_series(1, 99999) as id;
        alter table orchestrator.refresh_queue alter id restart with 1
    """,
    "a unique key refuses": f"create unique index one on {QUEUE} ((true))",
    "a function is missing": """
        drop function orchestrator.affected_range(timestamptz, timestamptz) cascade
    """,
    "nothing may be noted": f"""
        drop table {QUEUE} cascade;
        drop table orchestrator.lost_captures
    """,
    "nothing of ours is left": f"""
        drop table {QUEUE} cascade;
        drop table orchestrator.lost_captures;
        drop sequence orchestrator.uncounted_captures
    """,
}

ENTRIES = "select sum(total_entries) from analytics.kpi_daily"


def enter(connection):
    connection.execute(
        "insert into community.access_logs (community_id, entry_type, decision,"
        " occurred_at) select id, 'visitor', 'granted',"
        " (now() - interval '3 days')"
        " from community.communities where is_active"
    )


@pytest.mark.parametrize("broken", BROKEN)
def test_the_applications_write_succeeds_whatever_is_broken(project, broken):
    """And what was missed is computed once it is repaired."""
    before = project.value(ENTRIES)
    with psycopg.connect(project.url, autocommit=True) as connection:
        # Once more than a first row, which may find room.
        if broken == "a unique key refuses":
            connection.execute("truncate orchestrator.refresh_queue")
            enter(connection)
            project.ask(
                "delete from orchestrator.refresh_queue where id <> (select min(id)"
                " from orchestrator.refresh_queue)"
            )
        connection.execute(SQL(BROKEN[broken]))
        enter(connection)
        connection.execute(
            "update community.access_logs set entry_type = 'staff'"
            " where id = (select max(id) from community.access_logs)"
        )
        connection.execute(
            "delete from community.messages where id ="
            " (select max(id) from community.messages)"
        )
    repair(project, broken)
    result = project.call("run")
    assert result.exit_code == 0, result.stderr
    project.ask("select orchestrator.watch()")
    assert project.call("run").exit_code == 0
    assert project.value(ENTRIES) > before
    for audit in project.answer("audit", "--all"):
        assert audit["rows_different"] == 0


def repair(project, broken):
    """What an operator does about what no build of ours can know of."""
    for statement in {
        "the queue was renamed": [
            f"drop table if exists {QUEUE}",
            "alter table orchestrator.other rename to refresh_queue",
        ],
        "the queue has a column more": [f"alter table {QUEUE} drop more"],
        "a constraint refuses": [
            f"alter table {QUEUE} drop constraint refresh_queue_check"
        ],
        "a trigger refuses": [f"drop trigger if exists refuse on {QUEUE}"],
        "a unique key refuses": ["drop index orchestrator.one"],
    }.get(broken, []):
        project.ask(statement)


def test_a_lost_capture_is_an_incident(project):
    project.ask(BROKEN["a constraint refuses"])
    with psycopg.connect(project.url, autocommit=True) as connection:
        enter(connection)
    ((relation, reason),) = project.ask(
        "select relation, reason from orchestrator.lost_captures"
    )
    assert relation == "community.access_logs"
    assert "violates check constraint" in reason
    repair(project, "a constraint refuses")
    project.ask("select orchestrator.watch()")
    ((kind, message),) = project.ask(
        "select kind, message from orchestrator.alert_incidents where kind <> 'stale'"
    )
    assert kind == "capture"
    assert message.startswith("1 changes of community.access_logs could not be capt")


# What an application deletes, and the table whose rows refer to it.
DELETIONS = {
    "kpi_daily": ("community.communities", "community_id", "metric_date"),
    "metrics_daily": ("restaurant.accounts", "account_id", "date"),
}


@pytest.mark.parametrize("model", DELETIONS)
def test_a_deleted_tenant_is_in_no_refreshs_way(project, model):
    """The refresh gives way: the application's statements neither fail nor wait."""
    table, tenant, period = DELETIONS[model]
    names = {
        "table": Identifier(*table.split(".")),
        "summary": Identifier("analytics", model),
        "tenant": Identifier(tenant),
        "period": Identifier(period),
    }
    # Every row takes its time, so that they surely meet.
    project.ask(
        SQL(
            "create function public.slow() returns trigger language plpgsql as"
            " $$begin perform pg_sleep(0.002); return new; end$$;"
            " create trigger slow before insert or update on {summary}"
            " for each row execute function public.slow()"
        ).format(**names)
    )
    project.ask(CASCADE)
    stop = threading.Event()
    runs = []

    def refresh():
        with psycopg.connect(project.url, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute(
                    SQL("delete from {summary} where random() < 0.3").format(**names)
                )
                connection.execute("select orchestrator.request(%s)", [model])
                runs.extend(
                    connection.execute(
                        "select status, error_message from analytics.refresh(%s)",
                        [model],
                    ).fetchall()
                )

    refreshing = threading.Thread(target=refresh)
    refreshing.start()
    try:
        with psycopg.connect(project.url, autocommit=True) as application:
            application.execute("set lock_timeout = '2s'")
            for (key,) in project.ask(SQL("select id from {table}").format(**names)):
                with application.transaction():
                    application.execute(
                        SQL("delete from {table} where id = %s").format(**names), [key]
                    )
    finally:
        stop.set()
        refreshing.join()
    assert (
        project.value(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
        == 0
    )
    project.ask("select * from analytics.refresh(%s)", model)
    assert project.count(model) == 0
    assert project.ask("select 1 from orchestrator.quarantine") == []


DOMAINS = (
    "text",
    "uuid",
    "date",
    "jsonb",
    "timestamptz",
    "tstzrange",
    "regclass",
    "name",
    "interval",
    "bool",
    "int4",
    "int8",
    "numeric",
)


def disguise(connection):
    """As who is connected, put types of ours in front of PostgreSQL's."""
    connection.execute(
        "create function pg_temp.evil(v pg_catalog.text) returns pg_catalog.bool"
        " language plpgsql as $$begin"
        " raise notice 'a caller''s code runs as %', current_user;"
        " return true; end$$"
    )
    for name in DOMAINS:
        connection.execute(
            SQL(
                "create domain pg_temp.{name} as pg_catalog.{name}"
                " check (pg_temp.evil(value::pg_catalog.text))"
            ).format(name=Identifier(name))
        )


def test_no_code_of_a_clients_runs_with_the_owners_rights(project):
    """Types in a caller's pg_temp stand in for none that our functions mean."""
    owner = project.value("select current_user::text")
    called = project.ask(
        "select format('%s(%s)', oid::regproc, (select string_agg('null', ', ')"
        " from generate_series(1, pronargs))) from pg_proc"
        " where pronamespace = 'analytics'::regnamespace and prokind = 'f'"
        " and has_function_privilege('authenticated', oid, 'execute')"
    )
    read = project.ask(
        "select oid::regclass::text from pg_class"
        " where relnamespace = 'analytics'::regnamespace and relkind in ('r', 'v')"
        " and has_table_privilege('authenticated', oid, 'select')"
    )
    assert len(called) > 10
    assert len(read) > 3
    said = []
    with psycopg.connect(project.url) as connection:
        connection.add_notice_handler(
            lambda notice: said.append(notice.message_primary)
        )
        connection.execute("set local role authenticated")
        disguise(connection)
        statements = [f"select * from {call}" for (call,) in called]
        statements += [f"select * from {name}" for (name,) in read]
        for statement in statements:
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(SQL(statement))
            except psycopg.Error:
                pass
        connection.rollback()

        connection.execute("create role app_writer")
        connection.execute(
            "grant usage on schema community to app_writer;"
            " grant select, insert, update, delete on all tables in schema community"
            " to app_writer; set local role app_writer"
        )
        disguise(connection)
        connection.execute(
            "insert into community.access_logs (community_id, entry_type, decision,"
            " occurred_at) select id, 'visitor', 'granted', pg_catalog.now()"
            " from community.communities"
        )
        connection.execute("update community.access_logs set decision = 'denied'")
        connection.execute("delete from community.messages")
        connection.rollback()
    assert not [line for line in said if owner in line]


def test_access_check_names_a_function_that_could_be_misled(project):
    project.ask(
        "alter function orchestrator.is_trusted() set search_path = '';"
        " alter function orchestrator.caller_id() set search_path = pg_temp, pg_catalog"
    )
    result = project.call("access", "check")
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    for name in ("is_trusted", "caller_id"):
        assert f"orchestrator.{name}() looks for types" in said
    # And what comes of it.
    assert "a type of the caller's runs as postgres" in said
    assert project.call("access", "apply").exit_code == 0
    assert project.call("access", "check").exit_code == 0
