"""Sessions whose client is gone or hangs keep no lock for long."""

import psycopg
import pytest

pytest_plugins = ["projects"]

# What the server does about a client that no longer answers.
SETTINGS = {
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
    "tcp_user_timeout": "120000",
    "client_connection_check_interval": "10000",
}


def open_incidents(project):
    return project.ask(
        "select model, message from orchestrator.alert_incidents"
        " where kind = 'stuck' and closed_at is null"
    )


@pytest.fixture
def seen(project):
    """What each session that refreshes has set, noted as it notes its run."""
    project.ask(
        "create table public.seen (executor text, name text, setting text);"
        " create function public.note() returns trigger language plpgsql as $$"
        " begin insert into public.seen select new.executor, name, setting"
        " from pg_settings; return new; end $$;"
        " create trigger note after insert on orchestrator.job_runs"
        " for each row execute function public.note()"
    )
    return project


@pytest.mark.parametrize(
    ("command", "executor", "idle"),
    [
        (["run", "-s", "kpi_daily"], "dbt", "600000"),
        (["refresh", "kpi_daily"], "database", "0"),
    ],
)
def test_the_server_notices_a_refreshs_host_that_is_gone(seen, command, executor, idle):
    """Within two minutes, where it would wait for hours by default."""
    seen.answer(*command)
    wanted = SETTINGS | {"idle_in_transaction_session_timeout": idle}
    found = seen.ask(
        "select distinct name, setting from public.seen"
        " where executor = %s and name = any(%s)",
        executor,
        list(wanted),
    )
    assert dict(found) == wanted


def test_a_session_that_holds_a_lock_and_hangs_is_an_incident(project):
    hanging = psycopg.connect(project.url)
    hanging.execute("select * from analytics.refresh('kpi_daily')")
    project.ask("select orchestrator.watch_stuck_sessions()")
    assert open_incidents(project) == []
    project.ask("select orchestrator.watch_stuck_sessions('0 seconds')")
    ((model, message),) = open_incidents(project)
    assert model == "kpi_daily"
    assert f"process {hanging.info.backend_pid}, keeps others from" in message
    (command,) = project.ask("select payload ->> 'command' from orchestrator.notices")[
        -1
    ]
    # What the notice says ends it.
    project.ask(command)
    with pytest.raises(psycopg.OperationalError):
        hanging.execute("select 1")
    project.ask("select orchestrator.watch()")
    assert open_incidents(project) == []
