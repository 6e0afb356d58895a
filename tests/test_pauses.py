"""Summary tables that are left as they are for a while."""

pytest_plugins = ["projects"]

CALL = """
    insert into restaurant.calls (
        account_id, location_id, call_type, status, started_at
    )
    select account_id, id, 'order', 'completed', now() - interval '40 days'
    from restaurant.locations order by id limit 1
"""
WAITING = """
    select count(*) > 0 from orchestrator.refresh_queue where model = 'metrics_daily'
"""
PAUSE = ("pause", "metrics_daily", "--for", "2 hours", "--reason", "an import")


def test_a_paused_table_is_refreshed_by_nobody_until_it_is_resumed(project):
    shown = project.call(*PAUSE)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith("metrics_daily is paused until ")
    assert "an import" in shown.stdout
    project.ask(CALL)

    assert project.call("run", "--due", "-s", "metrics_daily").exit_code == 0
    by_function = project.ask("select status from analytics.refresh('metrics_daily')")
    assert by_function == [("skipped",)]
    project.ask("call orchestrator.refresh_each(array['metrics_daily'])")
    by_dbt = project.call("run", "-s", "metrics_daily")
    assert "paused until" in by_dbt.stdout
    by_name = project.call("refresh", "metrics_daily")
    assert "metrics_daily is paused until" in by_name.stdout
    assert project.value(WAITING)

    left = project.call("resume", "metrics_daily")
    assert left.stdout == "Nothing is paused.\n"
    (run,) = project.answer("run", "--due", "-s", "metrics_daily")
    assert (run["status"], run["rows_changed"]) == ("success", 1)
    assert not project.value(WAITING)


def test_the_status_says_what_is_paused_and_why(project):
    project.call("pause", "--all", "--for", "1 day", "--reason", "a new server")
    summaries = project.answer("status")
    assert {each["state"] for each in summaries} == {"paused"}
    assert {each["pause_reason"] for each in summaries} == {"a new server"}
    shown = project.call("status").stdout
    assert "To end pauses: orchestrator resume --all" in shown
    code, sentence = project.refuse("resume", "metrics_daily")
    assert code == 2
    assert "paused with every other" in sentence
    assert project.call("resume", "--all").exit_code == 0
    assert "paused" not in {each["state"] for each in project.answer("status")}


def test_a_pause_ends_by_itself(project):
    project.call(*PAUSE)
    project.ask("update orchestrator.pauses set until = now() - interval '1 second'")
    project.ask(CALL)
    assert project.ask("select status from analytics.refresh('metrics_daily')") == [
        ("success",)
    ]


def test_a_paused_table_is_no_incident(project):
    project.call(*PAUSE)
    project.ask(
        "update orchestrator.models set refreshed_through = now() - interval '9 days'"
        " where model = 'metrics_daily'"
    )
    project.ask("select orchestrator.watch()")
    assert project.value("select count(*) from orchestrator.alert_incidents") == 0


def test_a_pause_that_makes_no_sense_is_refused(project):
    for arguments, said in (
        (["metrics_daily", "--reason", "x"], "Say when the pause ends"),
        (["metrics_daily", "--reason", "x", "--for", "soon"], "interval"),
        (["metrics_daily", "--reason", "x", "--for", "-1 day"], "lies ahead"),
        (["metrics_daily", "--reason", " ", "--for", "1 day"], "needs a reason"),
        (["nothing", "--reason", "x", "--for", "1 day"], 'no summary table "nothing"'),
        (["--reason", "x", "--for", "1 day"], "--all"),
    ):
        code, sentence = project.refuse("pause", *arguments)
        assert code == 2
        assert said in sentence
    assert project.value("select count(*) from orchestrator.pauses") == 0
