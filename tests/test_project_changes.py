"""Whatever changed in the project, or in the tables below it, shows in the next run.

And what cannot be is said in a sentence, by each command, and stops nothing else.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import pytest
from dbt.adapters.cache import RelationsCache

from orchestrator.dbt import LoadedProject
from orchestrator.project import Project

pytest_plugins = ["projects"]

REVENUE = "select sum(total_revenue_orders) from analytics.metrics_daily"
ORDERS = "stg_restaurant__orders.sql"


def edit(project, path, old, new):
    file = next(project.rglob(path))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def double_orders(project):
    edit(project, ORDERS, "total_amount,", "2 * total_amount as total_amount,")


def command(place, *arguments):
    """Run a program of the environment as a user does; return code and output."""
    done = subprocess.run(
        [Path(sys.executable).with_name(arguments[0]), *arguments[1:]],
        env={**os.environ, **place.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "call", [("run",), ("run", "--due"), ("run", "-s", "metrics_daily")], ids=" ".join
)
def test_an_edited_view_is_what_the_next_run_reads(project, call):
    before = project.value(REVENUE)
    double_orders(project.use_copy())
    project.answer(*call)
    assert project.value(REVENUE) == 2 * before


def test_an_edit_is_brought_about_once(project):
    double_orders(project.use_copy())
    done = {run["model"] for run in project.answer("run", "--due")}
    assert done == {"kpi_daily", "kpi_monthly", "kpi_weekly", "metrics_daily"}
    done = {run["model"] for run in project.answer("run", "--due")}
    assert done <= {"metrics_daily"}  # whose cadence may strike


def test_edited_access_and_functions_are_what_the_next_run_applies(project):
    copy = project.use_copy()
    edit(copy, "dbt_project.yml", "only: {role: admin}", "only: {role: guard}")
    edit(copy, "kpi_daily.yml", "compute_daily_kpis", "compute_days")
    project.answer("run", "--due")
    assert project.call("access", "check").exit_code == 0
    rights = "select pg_get_functiondef('analytics.readable_community_ids'::regproc)"
    assert "'guard'" in project.value(rights)
    assert project.value("select to_regproc('analytics.compute_daily_kpis')") is None


def test_a_view_that_was_dropped_is_made_again_once_its_reader_has_failed(project):
    project.ask("drop view orchestrator.int_restaurant__activity cascade")
    project.ask(
        "insert into orchestrator.refresh_queue (model, reason)"
        " values ('metrics_daily', 'test')"
    )
    project.ask("select * from analytics.refresh('metrics_daily')")
    done = project.answer("run", "--due", "-s", "metrics_daily")
    assert [run["status"] for run in done] == ["success"]


def test_a_view_whose_columns_change_leaves_the_views_that_read_it(project):
    """Others go on refreshing by them until they are built themselves."""
    edit(
        project.use_copy(),
        ORDERS,
        "total_amount,",
        "total_amount::text as total_amount,",
    )
    project.ask(
        "create view public.reader as select order_id, account_id"
        " from orchestrator.stg_restaurant__orders"
    )
    project.dbt("run", "-s", "stg_restaurant__orders")
    assert project.value("select count(*) from public.reader") > 0
    assert (
        project.value(
            "select pg_typeof(total_amount)::text"
            " from orchestrator.stg_restaurant__orders limit 1"
        )
        == "text"
    )


def test_a_source_that_lost_a_column_fails_what_reads_it_and_nothing_else(project):
    project.ask("alter table restaurant.orders rename total_amount to total")
    sentence = "Source table restaurant.orders has no column total_amount."

    result = project.call("run")
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    runs = {
        model: (status, message)
        for model, status, message in project.ask(
            "select distinct on (job) job, status, error_message"
            " from orchestrator.job_runs order by job, id desc"
        )
    }
    assert [runs[f"kpi_{each}"][0] for each in ("daily", "weekly", "monthly")] == [
        "success"
    ] * 3
    status, message = runs["metrics_daily"]
    assert status == "error"
    assert message.startswith(
        "What it reads failed: stg_restaurant__orders: " + sentence
    )
    assert sentence in project.call("status").stdout
    assert (
        project.call("docs", "--output", str(project.folder / "docs.html")).exit_code
        == 0
    )

    project.ask("alter table restaurant.orders rename total to total_amount")
    assert project.call("run", "--due").exit_code == 0
    assert "failing" not in project.call("status").stdout


def test_source_tables_of_which_none_is_there_are_named_before_anything_is_written(
    sources,
):
    sources.ask("drop schema community, restaurant cascade")
    code, sentence = sources.refuse("run")
    assert code == 1
    assert sentence.startswith("There is no source table community.access_logs, ")
    assert sources.value("select to_regclass('orchestrator.models')") is None


@pytest.mark.parametrize(
    "call",
    [
        ("dbt", "build"),
        ("dbt", "run"),
        ("dbt", "test"),
        ("dbt", "build", "--select", "exposure:*"),
        ("orchestrator", "run"),
        ("orchestrator", "install"),
    ],
    ids=" ".join,
)
def test_an_error_before_the_first_model_is_readable_and_ends_the_run(project, call):
    project.ask("alter table orchestrator.models rename cadence to rhythm")
    code, output = command(project, *call)
    assert code == (2 if call[0] == "dbt" else 1)
    assert "Traceback" not in output
    assert "column models.cadence does not exist" in output or (
        'column "cadence" of relation "models" does not exist' in output
    )
    assert "metrics_daily" not in output


@pytest.mark.parametrize(
    "call",
    [
        ("dbt", "build", "--no-populate-cache", "--threads", "8"),
        ("orchestrator", "run", "--due"),
    ],
    ids=" ".join,
)
def test_no_run_takes_an_existing_table_for_missing(project, call):
    """However long the database takes to say what else there is."""
    project.ask(
        "insert into orchestrator.refresh_queue (model, reason)"
        " select model, 'test' from orchestrator.models"
    )
    add, seen, lock = RelationsCache.add, set(), threading.Lock()

    def slowly(cache, relation):
        add(cache, relation)
        with lock:
            is_first = relation.schema not in seen
            seen.add(relation.schema)
        if is_first:
            time.sleep(1)

    program, *arguments = call
    with mock.patch.object(RelationsCache, "add", slowly):
        if program == "dbt":
            selection = ("--exclude-resource-type", "test", "unit_test")
            assert project.dbt(*arguments, *selection)
        else:
            project.write_profile(threads=8)
            project.answer(*arguments)
    assert seen
    failed = "select count(*) from orchestrator.job_runs where status = 'error'"
    assert project.value(failed) == 0


def test_a_workers_run_does_not_either(project):
    project.write_profile(threads=8)
    project.ask(
        "insert into orchestrator.refresh_queue (model, reason)"
        " select model, 'test' from orchestrator.models"
    )
    add, seen = RelationsCache.add, set()

    def slowly(cache, relation):
        add(cache, relation)
        if relation.schema not in seen:
            seen.add(relation.schema)
            time.sleep(1)

    with mock.patch.dict(os.environ, project.environment):
        loaded = LoadedProject(Project())
        names = [model.name for model in loaded.summaries()]
        with mock.patch.object(RelationsCache, "add", slowly):
            results = loaded.build(names, installs=False).results
    assert [result for result in results if result.failed] == []
