"""`orchestrator status`: what is fresh, what is due, what waits."""

import pytest

pytest_plugins = ["projects"]


@pytest.fixture
def fresh(project):
    """A project of which nothing is due for a while, whatever the clock says."""
    project.ask("update orchestrator.models set refreshed_through = now() + '1 day'")
    return project


def row(result, model):
    """Return the model's line of the table, cell by cell."""
    table, _, _ = result.stdout.partition("\n\n")
    (line,) = [x for x in table.splitlines() if x.startswith(f"{model} ")]
    return line.split()


def test_says_that_all_is_fresh(fresh):
    result = fresh.call("status")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] == "4 summaries fresh."


def test_fits_the_terminal_and_is_plain_when_piped(fresh):
    result = fresh.call("status")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout


def test_says_what_is_due_and_since_when(fresh):
    fresh.ask(
        """
        update orchestrator.models set refreshed_through = now() - interval '2 days'
        where model = 'kpi_daily'
        """
    )
    result = fresh.call("status")
    assert "due" in row(result, "kpi_daily")
    due, closing = result.stdout.splitlines()[-2:]
    since = fresh.value(
        """
        select to_char(last_due at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
        from orchestrator.model_status
        where model = 'kpi_daily'
        """
    )
    assert due == f"kpi_daily is due since {since} UTC."
    assert closing.startswith("3 of 4 summaries fresh.")


def test_counts_the_requests_that_wait(fresh):
    fresh.ask("select orchestrator.request('kpi_weekly')")
    result = fresh.call("status")
    assert "kpi_weekly has 1 request waiting." in result.stdout


def test_says_what_was_never_built(sources):
    sources.answer("run", "-s", "metrics_daily")
    result = sources.call("status")
    assert "never" in row(result, "kpi_weekly")
    assert "kpi_weekly was never built" in result.stdout


def test_says_why_the_last_run_failed(fresh):
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
    (line,) = [x for x in result.stdout.splitlines() if " failed " in x]
    assert line.startswith("kpi_daily failed ")
    assert line.endswith("ago: the disk is full (models/community/kpi_daily.sql)")


def test_names_the_incidents_that_are_open(fresh):
    open_incident = "select orchestrator.open_incident('kpi_daily', %s, %s)"
    fresh.ask(open_incident, "stale", "kpi_daily is stale.")
    fresh.ask(open_incident, "drift", "kpi_daily has drifted.")
    fresh.ask("select orchestrator.close_incident('kpi_daily', 'stale', 'Fresh.')")
    found = [x for x in fresh.call("status").stdout.splitlines() if "incident" in x]
    assert found == ["Open incident: kpi_daily has drifted."]


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
    assert daily["last_status"] == "success"
    assert daily["last_duration"] > 0
    assert daily["next_due"].endswith("+00:00")
