"""`orchestrator run`: which summary tables it refreshes, and what it says."""

import os
import signal
import subprocess
import sys
import time

import psycopg

pytest_plugins = ["projects"]

DAYS_AND_LONGER = ("-s", "kpi_daily kpi_weekly kpi_monthly")

LATE_ENTRY = """
    insert into community.access_logs (
        community_id, entry_type, decision, occurred_at
    )
    select id, 'visitor', 'granted', now() - interval '40 days'
    from community.communities
    order by created_at
    limit 1
    returning community_id
"""

# A row whose content is new to kpi_daily can no longer be written to it.
REFUSE_ROWS = """
    alter table analytics.kpi_daily
    add constraint nothing_new check (total_entries < 0) not valid
"""


def outcomes(runs):
    return {run["model"]: run["status"] for run in runs}


def waiting(place):
    rows = place.ask("select model from orchestrator.refresh_queue")
    return {model for (model,) in rows}


def test_builds_all_that_a_fresh_database_lacks(sources):
    runs = sources.answer("run")
    names = {"kpi_daily", "kpi_monthly", "kpi_weekly", "metrics_daily"}
    assert outcomes(runs) == dict.fromkeys(names, "success")
    for run in runs:
        assert run["rows_changed"] == sources.count(run["model"]) > 0
        assert run["reason"] == "build"


def test_builds_what_one_summary_reads(sources):
    runs = sources.answer("run", "-s", "kpi_weekly")
    assert outcomes(runs) == {"kpi_daily": "success", "kpi_weekly": "success"}
    assert sources.value("select to_regclass('analytics.kpi_monthly')") is None


def test_takes_only_the_domains_that_the_vars_name(sources):
    sources.ask("drop schema community cascade")
    runs = sources.answer("run", "--vars", "{domains: [restaurant]}")
    assert outcomes(runs) == {"metrics_daily": "success"}


def test_writes_nothing_where_nothing_changed(project):
    runs = project.answer("run")
    assert len(runs) == 4
    assert all(run["rows_changed"] == 0 for run in runs)


def test_refreshes_what_is_due_and_what_that_leads_to(project):
    (tenant,) = project.ask(LATE_ENTRY)[0]
    assert waiting(project) == {"kpi_daily", "kpi_monthly"}

    runs = project.answer("run", "--due", *DAYS_AND_LONGER)
    changed = {run["model"]: run["rows_changed"] for run in runs}
    assert changed["kpi_daily"] == 1
    assert changed["kpi_weekly"] >= 1
    assert changed["kpi_monthly"] >= 1
    assert waiting(project) == set()
    counted = project.value(
        """
        select sum(total_entries) from analytics.kpi_daily where community_id = %s
        """,
        tenant,
    )
    logged = project.value(
        """
        select count(*)
        from community.access_logs
        inner join community.communities
            on access_logs.community_id = communities.id
        where
            community_id = %s
            and decision = 'granted'
            and occurred_at >= date_trunc('day', created_at, timezone)
            and occurred_at < date_trunc('day', now(), timezone)
        """,
        tenant,
    )
    assert counted == logged


def test_says_that_nothing_is_due(project):
    result = project.call("run", "--due", *DAYS_AND_LONGER)
    assert result.exit_code == 0
    assert result.stdout == "Nothing to refresh.\n"
    assert project.answer("run", "--due", *DAYS_AND_LONGER) == []


def test_refreshes_only_what_is_selected(project):
    project.ask(LATE_ENTRY)
    runs = project.answer("run", "-s", "kpi_daily")
    assert outcomes(runs) == {"kpi_daily": "success"}
    assert waiting(project) == {"kpi_weekly", "kpi_monthly"}


def test_selects_as_dbt_does(project):
    runs = project.answer(
        "run", "-s", "kpi_weekly", "--select", "path:models/restaurant"
    )
    assert set(outcomes(runs)) == {"kpi_weekly", "metrics_daily"}


def test_selects_a_cadence(project):
    assert set(outcomes(project.answer("run", "--cadence", "day"))) == {"kpi_daily"}
    code, sentence = project.refuse("run", "--cadence", "daily")
    assert code == 2
    assert sentence == (
        'No summary table has the cadence "daily": there are 5 minutes, day, month, '
        "week."
    )


def test_names_the_nearest_of_unknown_models(project):
    code, sentence = project.refuse("run", "-s", "kpi_dayly")
    assert code == 2
    assert sentence == 'No model is selected by "kpi_dayly": did you mean kpi_daily?'

    code, sentence = project.refuse("run", "-s", "kpi_daily nonsense")
    assert code == 2
    assert '"nonsense"' in sentence
    assert "metrics_daily" in sentence


def test_refuses_what_is_no_summary_table(project):
    code, sentence = project.refuse("run", "-s", "stg_community__units")
    assert code == 2
    assert sentence.startswith(
        'No summary table is selected by "stg_community__units": there are kpi_daily'
    )


def test_refuses_a_selector_that_dbt_does_not_know(project):
    code, sentence = project.refuse("run", "-s", "colour:red")
    assert code == 2
    assert "'colour' is not a valid method name" in sentence


def test_makes_a_view_that_was_dropped_again(project):
    project.ask("drop view orchestrator.stg_community__units cascade")
    runs = project.answer("run", "-s", "kpi_daily")
    assert outcomes(runs) == {"kpi_daily": "success"}


def test_goes_on_where_one_fails(project):
    project.ask(LATE_ENTRY)
    project.ask(REFUSE_ROWS)
    result = project.call("run")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: kpi_daily was not refreshed: tenant ")
    assert "nothing_new" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    statuses = [line.split()[:2] for line in result.stdout.splitlines()]
    assert ["kpi_daily", "error"] in statuses
    assert ["kpi_weekly", "skipped"] in statuses
    assert ["metrics_daily", "success"] in statuses
    assert "kpi_daily" in waiting(project)
    assert (
        project.value(
            """
            select count(*) from orchestrator.job_runs
            where job = 'kpi_daily' and status = 'error'
            """
        )
        == 1
    )


def test_skips_what_another_is_refreshing(project):
    with psycopg.connect(project.url) as other:
        other.execute(
            "select orchestrator.begin_refresh('kpi_daily', 'database', 'nothing')"
        )
        runs = project.answer("run", "-s", "kpi_daily")
    assert outcomes(runs) == {"kpi_daily": "skipped"}
    assert runs[0]["reason"] == "another refresh is running"


def test_ends_at_once_when_interrupted(project):
    project.ask(LATE_ENTRY)
    with psycopg.connect(project.url) as other:
        other.execute("lock table analytics.kpi_daily in access exclusive mode")
        run = subprocess.Popen(
            [sys.executable, "-m", "orchestrator.cli", "run", "-s", "kpi_daily"],
            env={**os.environ, **project.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # What a shell puts in the background ignores it, and so its children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while not project.value("select count(*) from pg_locks where not granted"):
            assert run.poll() is None, run.stderr.read()
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert said.strip() == "Interrupted."
    assert "kpi_daily" in waiting(project)
    assert outcomes(project.answer("run", "-s", "kpi_daily")) == {
        "kpi_daily": "success"
    }


def test_shows_a_table_that_fits_the_terminal(project):
    result = project.call("run")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "4 summaries refreshed, 0 rows changed in " in result.stdout


def test_options_of_dbt_may_stand_before_the_command(project):
    result = project.call("--target", "moon", "run")
    assert result.exit_code == 1
    result = project.call("--target", "moon", "run", "--target", "test", "--due")
    assert result.exit_code == 0
