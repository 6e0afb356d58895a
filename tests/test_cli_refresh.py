"""`orchestrator refresh`: one summary table, now, in the database."""

import uuid

import psycopg
import pytest

pytest_plugins = ["projects"]


@pytest.fixture
def late(project):
    """An entry that arrives forty days late: its community and its day."""
    ((tenant, day),) = project.ask(
        """
        insert into community.access_logs (
            community_id, entry_type, decision, occurred_at
        )
        select id, 'visitor', 'granted', now() - interval '40 days'
        from community.communities
        order by created_at
        limit 1
        returning
            community_id::text,
            (
                select (occurred_at at time zone timezone)::date::text
                from community.communities
                where id = community_id
            )
        """
    )
    return tenant, day


def requests(place, model="kpi_daily"):
    return place.value(
        "select count(*) from orchestrator.refresh_queue where model = %s", model
    )


def test_serves_what_waits_and_says_what_that_leads_to(project, late):
    result = project.call("refresh", "kpi_daily")
    assert result.exit_code == 0
    done, passed_on = result.stdout.splitlines()
    assert done.startswith("kpi_daily: 1 period computed, 1 row changed in ")
    assert passed_on == (
        "Now requested: kpi_monthly, kpi_weekly. "
        "To refresh what waits: orchestrator run --due"
    )
    assert requests(project) == 0
    assert requests(project, "kpi_weekly") == 1


def test_touches_nothing_else(project, late):
    before = project.ask("select * from analytics.kpi_daily order by id")
    project.answer("refresh", "kpi_daily")
    after = project.ask("select * from analytics.kpi_daily order by id")
    assert len(set(map(str, before)) ^ set(map(str, after))) == 2


def test_answers_a_script(project, late):
    refresh = project.answer("refresh", "kpi_daily")
    assert refresh["model"] == "kpi_daily"
    assert refresh["status"] == "success"
    assert refresh["periods"] == refresh["rows_changed"] == 1
    assert refresh["duration"] > 0
    assert refresh["passed_on_to"] == ["kpi_monthly", "kpi_weekly"]


def test_has_nothing_to_do_where_nothing_waits(project):
    refresh = project.answer("refresh", "kpi_weekly")
    assert refresh["rows_changed"] == 0
    assert refresh["passed_on_to"] == []


def test_computes_the_days_asked_for_again(project, late):
    tenant, day = late
    project.answer("run")
    project.ask("update analytics.kpi_daily set total_entries = 12345")
    refresh = project.answer("refresh", "kpi_daily", "--from", day, "--to", day)
    communities = project.value(
        "select count(*) from analytics.kpi_daily where metric_date = %s", day
    )
    assert refresh["rows_changed"] == communities > 1

    refresh = project.answer("refresh", "kpi_daily", "--tenant", tenant, "--to", day)
    days = project.value(
        """
        select count(*) from analytics.kpi_daily
        where community_id = %s and metric_date < %s
        """,
        tenant,
        day,
    )
    assert refresh["rows_changed"] == days > 0

    refresh = project.answer("refresh", "kpi_daily", "--tenant", tenant)
    assert refresh["rows_changed"] > 0
    left = project.value(
        """
        select count(*) from analytics.kpi_daily
        where community_id = %s and total_entries = 12345
        """,
        tenant,
    )
    assert left == 0


def test_refuses_an_unknown_model(project):
    code, sentence = project.refuse("refresh", "kpi_dayly")
    assert code == 2
    assert sentence == 'There is no summary table "kpi_dayly": did you mean kpi_daily?'

    code, sentence = project.refuse("refresh", "nonsense")
    assert code == 2
    assert "there are kpi_daily, kpi_monthly, kpi_weekly, metrics_daily." in sentence


def test_refuses_an_unknown_tenant(project):
    nobody = str(uuid.uuid4())
    code, sentence = project.refuse("refresh", "kpi_daily", "--tenant", nobody)
    assert code == 2
    assert sentence == f"kpi_daily has no tenant {nobody}."
    assert requests(project) == 0

    code, sentence = project.refuse("refresh", "kpi_daily", "--tenant", "harry")
    assert code == 2
    assert sentence == (
        "kpi_daily has no tenant 'harry': its tenants' ids are of type uuid."
    )


def test_refuses_days_that_are_none(project):
    days = ("--from", "2026-02-02", "--to", "2026-02-01")
    code, sentence = project.refuse("refresh", "kpi_daily", *days)
    assert code == 2
    assert sentence == "The days end (2026-02-01) before they begin (2026-02-02)."
    assert requests(project) == 0

    code, sentence = project.refuse("refresh", "kpi_daily", "--from", "2026-02-30")
    assert code == 2
    assert "2026-02-30" in sentence


def test_says_that_a_model_was_never_built(sources):
    sources.answer("run", "-s", "metrics_daily")
    code, sentence = sources.refuse("refresh", "kpi_daily")
    assert code == 1
    assert sentence.startswith("kpi_daily has not been built yet.")
    assert "kpi_daily" in sentence


def test_leaves_the_request_where_it_fails(project, late):
    tenant, day = late
    project.ask(
        """
        alter table analytics.kpi_daily
        add constraint nothing_new check (total_entries < 0) not valid
        """
    )
    days = ("--from", day, "--to", day, "--tenant", tenant)
    code, sentence = project.refuse("refresh", "kpi_daily", *days)
    assert code == 1
    assert sentence.startswith("kpi_daily was not refreshed: ")
    assert "nothing_new" in sentence
    assert requests(project) == 1  # the two that were merged
    ((status, message),) = project.ask(
        """
        select status, error_message
        from orchestrator.job_runs
        order by id desc
        limit 1
        """
    )
    assert status == "error"
    assert message in sentence


def test_leaves_the_request_where_another_is_at_it(project, late):
    _, day = late
    with psycopg.connect(project.url) as other:
        other.execute(
            "select orchestrator.begin_refresh('kpi_daily', 'database', 'nothing')"
        )
        result = project.call("refresh", "kpi_daily", "--from", day)
    assert result.exit_code == 0
    assert "is being refreshed by someone else" in result.stdout
    assert requests(project) > 1
