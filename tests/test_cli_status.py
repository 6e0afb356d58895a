"""`orchestrator status`: is everything fine, and how does each table stand."""

import os
import signal
import subprocess
import sys
from itertools import islice

import pytest

pytest_plugins = ["projects"]


@pytest.fixture
def fresh(project):
    """A project of which nothing is due for a while, whatever the clock says.

    A watermark that lies further ahead is a clock's that went back.
    """
    project.ask(
        "update orchestrator.models set refreshed_through = now() + '50 seconds'"
    )
    return project


def shown(result):
    """Return what comes before the table, line by line."""
    words, _, _ = result.stdout.partition("\n\n")
    return words.splitlines()


def row(result, model):
    """Return the model's line of the table, cell by cell."""
    _, _, table = result.stdout.partition("\n\n")
    (line,) = [x for x in table.splitlines() if x.startswith(f"{model} ")]
    return line.split()


def test_says_first_that_all_is_fresh(fresh):
    result = fresh.call("status")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert shown(result) == ["Everything is fine: 4 summaries fresh."]
    assert row(result, "kpi_daily")[1] == "fresh"


def test_fits_the_terminal_and_is_plain_when_piped(fresh):
    result = fresh.call("status")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout
    fresh.environment["FORCE_COLOR"] = "1"
    assert "\x1b[1;32mEverything is fine" in fresh.call("status").stdout
    fresh.environment["NO_COLOR"] = "1"
    assert "\x1b[1mEverything is fine" in fresh.call("status").stdout


def test_says_what_is_due_and_what_to_do(fresh):
    fresh.ask(
        """
        update orchestrator.models
        set refreshed_through = status.last_due - interval '1 second'
        from orchestrator.model_status as status
        where models.model = status.model and status.model = 'kpi_daily'
        """
    )
    result = fresh.call("status")
    assert shown(result) == [
        "Nothing is wrong: 1 due of 4 summaries.",
        "To refresh what is due: orchestrator run --due",
    ]
    assert row(result, "kpi_daily")[1] == "due"
    assert row(result, "kpi_daily").count("ago") == 2  # refreshed, and due

    fresh.ask(
        "update orchestrator.models"
        " set refreshed_through = refreshed_through - interval '1 day'"
        " where model = 'kpi_daily'"
    )
    result = fresh.call("status")
    assert shown(result)[0].startswith("Something is wrong: 1 late")
    assert "orchestrator worker" in shown(result)[2]
    assert row(result, "kpi_daily")[1] == "late"


def test_requests_that_wait_for_the_cadence_are_no_trouble(fresh):
    fresh.ask("select orchestrator.request('kpi_weekly')")
    result = fresh.call("status")
    assert shown(result) == ["Everything is fine: 4 summaries fresh."]
    assert "1" in row(result, "kpi_weekly")
    fresh.ask("update orchestrator.refresh_queue set immediate = true")
    assert row(fresh.call("status"), "kpi_weekly")[1] == "due"


def test_says_what_was_never_built(sources):
    sources.answer("run", "-s", "metrics_daily")
    result = sources.call("status")
    assert shown(result)[0].startswith("Something is wrong: 3 not built of 4 summaries")
    assert shown(result)[1] == "To build what is not built: orchestrator run"
    assert row(result, "kpi_weekly")[1:4] == ["not", "built", "never"]


def test_says_why_the_last_run_failed_until_an_incident_does(fresh):
    fresh.ask(
        """
        insert into orchestrator.job_runs (
            job, executor, status, finished_at, error_message
        )
        values (
            'kpi_daily', 'dbt', 'error', clock_timestamp(),
            'Database Error in model kpi_daily (models/community/kpi_daily.sql)
  the disk is full
  compiled code at target/run/kpi_daily.sql'
        )
        """
    )
    result = fresh.call("status")
    assert result.exit_code == 0
    verdict, failure, advice = shown(result)
    assert verdict == "Something is wrong: 1 failing of 4 summaries."
    assert failure.startswith("kpi_daily failed ")
    assert failure.endswith("ago: the disk is full (models/community/kpi_daily.sql)")
    assert advice == "To refresh what is due: orchestrator run --due"
    assert row(result, "kpi_daily")[1] == "failing"

    fresh.ask("select orchestrator.open_incident('kpi_daily', 'failing', 'It fails.')")
    verdict, incident, _ = shown(fresh.call("status"))
    assert verdict.endswith("1 failing of 4 summaries; 1 open incident.")
    assert incident.endswith("It fails.")


def test_names_the_incidents_that_are_open_and_how_to_mend_drift(fresh):
    open_incident = "select orchestrator.open_incident('kpi_daily', %s, %s)"
    fresh.ask(open_incident, "stale", "kpi_daily is stale.")
    fresh.ask(open_incident, "drift", "kpi_daily has drifted.")
    fresh.ask("select orchestrator.close_incident('kpi_daily', 'stale', 'Fresh.')")
    verdict, incident, advice = shown(fresh.call("status"))
    assert verdict == "Something is wrong: 1 open incident."
    assert incident.startswith("Open incident, ")
    assert incident.endswith(" ago: kpi_daily has drifted.")
    assert advice.endswith(": orchestrator audit kpi_daily --all --repair")


def test_answers_a_script(fresh):
    fresh.ask("select orchestrator.request('kpi_daily')")
    summaries = fresh.answer("status")
    by_name = {summary["model"]: summary for summary in summaries}
    assert list(by_name) == sorted(by_name)
    daily = by_name["kpi_daily"]
    assert daily["cadence"]["every"] == "day"
    assert daily["incidents"] == []
    assert daily["waiting"] > 0
    assert daily["is_due"] is False
    assert daily["state"] == "fresh"
    assert daily["last_status"] == "success"
    assert daily["last_duration"] > 0
    assert daily["next_due"].endswith("+00:00")


def test_watches_until_it_is_interrupted(fresh):
    command = [sys.executable, "-m", "orchestrator.cli", "status", "--watch", "0.1"]
    environment = {**os.environ, **fresh.environment}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        seen = []
        for line in islice(watching.stdout, 5000):
            if line.startswith(("Everything is fine", "Nothing is wrong")):
                seen.append(line)
                fresh.ask("update orchestrator.models set refreshed_through = now()")
                fresh.ask("select orchestrator.request('kpi_daily')")
                fresh.ask("update orchestrator.refresh_queue set immediate = true")
            if len(seen) > 1 and seen[-1] != seen[0]:
                break
        watching.send_signal(signal.SIGINT)
        _, errors = watching.communicate(timeout=60)
    assert watching.returncode == 0
    assert errors == ""
    assert seen[0] == "Everything is fine: 4 summaries fresh.\n"
    assert seen[-1] == "Nothing is wrong: 1 due of 4 summaries.\n"
