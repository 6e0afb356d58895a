"""Incidents, and the webhook that hears of them."""

import re
import threading

import psycopg
from projects import CHECKOUT
from workers import webhook

from orchestrator.webhook import deliver

pytest_plugins = ["projects"]

REFUSE_ROWS = """
    alter table analytics.kpi_daily
    add constraint nothing_new check (total_entries < 0) not valid
"""
FAIL = "select orchestrator.refresh('kpi_daily', 'database')"
NOTICES = """
    select event, delivered_at is not null, attempts, last_error
    from orchestrator.notices order by id
"""
LATER = """
    select next_attempt_at > now() + interval '5 seconds'
    from orchestrator.notices where delivered_at is null
"""
ATTEMPT = "update orchestrator.notices set next_attempt_at = now() + %s::interval"

SPOIL = """
    create function public.spoil() returns trigger language plpgsql as $$
    begin new.messages_sent := new.messages_sent + 7; return new; end $$;
    create trigger spoil before insert or update on analytics.kpi_daily
    for each row execute function public.spoil();
"""


def run(place, hook, *options):
    """A round over a table that nothing is wrong with."""
    return place.call(
        "run", "--due", "-s", "metrics_daily", "--webhook", hook.url, *options
    )


def test_four_failures_are_one_incident_told_once_and_closed_by_success(project):
    project.ask(REFUSE_ROWS)
    project.ask(
        "update community.access_logs set decision = 'granted',"
        " occurred_at = occurred_at - interval '1 day'"
    )
    with webhook(500) as hook:
        for _ in range(3):
            project.ask(FAIL)
        project.ask("select orchestrator.watch()")
        assert project.ask(NOTICES) == []

        project.ask(FAIL)
        assert run(project, hook).exit_code == 0
        assert project.ask(NOTICES) == [
            ("opened", False, 1, "answered 500 Internal Server Error")
        ]
        assert project.ask(LATER) == [(True,)]

        project.ask(FAIL)
        project.ask(ATTEMPT, "1 minute")
        run(project, hook)
        assert hook.taken == []
        project.ask(ATTEMPT, "0")
        run(project, hook)
        (shown,) = hook.taken
        assert shown.startswith("kpi_daily has failed 4 times in a row: new row for")

        project.ask("alter table analytics.kpi_daily drop constraint nothing_new")
        result = project.call("run", "--due", "--webhook", hook.url)
        assert result.exit_code == 0, result.stderr
    assert hook.taken[1:] == ["kpi_daily no longer fails."]
    assert [notice[:3] for notice in project.ask(NOTICES)] == [
        ("opened", True, 2),
        ("closed", True, 1),
    ]
    assert project.ask(
        "select model, kind, closed_at is null from orchestrator.alert_incidents"
    ) == [("kpi_daily", "failing", False)]


def test_a_webhook_that_is_not_there_neither_fails_a_run_nor_loses_a_notice(project):
    with webhook() as hook:
        pass
    project.ask("select orchestrator.open_incident('metrics_daily', 'drift', 'Drift')")
    project.ask("select orchestrator.close_incident('metrics_daily', 'drift', 'None')")
    result = run(project, hook)
    assert result.exit_code == 0
    assert result.stderr == ""
    (opened, closed) = project.ask(NOTICES)
    assert opened[:3] == ("opened", False, 1)
    assert closed[:3] == ("closed", False, 0)  # not before what it closes
    assert "secret" not in opened[3]

    code, sentence = project.refuse("run", "--webhook", "hooks.example.com/secret")
    assert code == 2
    assert "secret" not in sentence


def test_several_processes_post_each_notice_once(project):
    for number in range(12):
        project.ask(
            "select orchestrator.open_incident(%s, 'drift', %s)",
            f"model {number}",
            f"Notice {number}",
        )

    def post():
        with psycopg.connect(project.url, autocommit=True) as connection:
            assert deliver(connection, hook.url).failure is None

    with webhook() as hook:
        hook.delay = 0.02
        threads = [threading.Thread(target=post) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(hook.taken) == sorted(f"Notice {number}" for number in range(12))


def test_a_round_tests_the_rows_that_it_changes_and_no_others(project):
    project.ask("delete from orchestrator.refresh_queue")
    project.ask(
        """
        update analytics.kpi_daily set messages_sent = messages_sent + 1
        where metric_date < current_date - 100 or community_id <> (
            select id from community.communities order by created_at limit 1
        )
        """
    )
    late = """
        insert into community.access_logs (
            community_id, entry_type, decision, occurred_at
        )
        select id, 'visitor', 'granted', now() - interval '40 days'
        from community.communities order by created_at limit 1
    """
    project.ask(late)
    result = project.call("run", "--due", "-s", "kpi_daily")
    assert result.exit_code == 0, result.stderr

    project.ask(SPOIL)
    project.ask(late)
    with webhook() as hook:
        result = project.call("run", "--due", "-s", "kpi_daily", "--webhook", hook.url)
    assert result.exit_code == 1
    wrong = (
        "kpi_daily does not pass its data tests: "
        "kpi_daily_counts_messages: 1 wrong row."
    )
    assert result.stderr == f"Error: {wrong}\n"
    assert hook.taken == [wrong]
    assert project.ask(
        "select model, kind, message from orchestrator.alert_incidents"
        " where closed_at is null"
    ) == [("kpi_daily", "drift", wrong)]


def test_the_guides_trigger_has_the_database_post_its_notices(project):
    """With a stand-in for pg_net, whose function has these arguments."""
    text = (CHECKOUT / "docs" / "operations.md").read_text()
    (example,) = re.findall(r"^```postgresql\n(.*?)^```$", text, re.M | re.S)
    project.ask(
        "create schema net; create table net.posted (url text, body jsonb);"
        " create function net.http_post(url text, body jsonb default '{}',"
        " params jsonb default '{}', headers jsonb default '{}',"
        " timeout_milliseconds integer default 5000) returns bigint language sql"
        " as $$ insert into net.posted values (url, body) returning 1::bigint $$"
    )
    project.ask(example)
    project.ask("select orchestrator.open_incident('kpi_daily', 'drift', 'Drifted.')")
    assert project.ask("select url, body ->> 'text' from net.posted") == [
        ("https://hooks.example.com/alerts", "Drifted.")
    ]
    assert (
        project.value(
            "select count(*) from orchestrator.notices where delivered_at is null"
        )
        == 0
    )
