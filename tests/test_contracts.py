"""A summary table becomes what its model declares, in its place, or says why not."""

import subprocess
import sys

import psycopg
import pytest
import yaml
from projects import CHECKOUT

pytest_plugins = ["projects"]

COLUMNS = """
    select attname, format_type(atttypid, atttypmod), attnotnull
    from pg_attribute
    where attrelid = 'analytics.metrics_daily'::regclass and attnum > 0
        and not attisdropped
    order by attname
"""
ROWS = """
    select md5(string_agg((to_jsonb(metrics_daily) - 'computed_at')::text, ','
        order by date, location_id))
    from analytics.metrics_daily
"""


class Model:
    """A model of this test's own copy of the project, to be changed."""

    def __init__(self, place, folder="restaurant", name="metrics_daily"):
        path = place.use_copy() / "models" / folder
        self.sql = path / f"{name}.sql"
        self.yml = path / f"{name}.yml"
        self.declared = yaml.safe_load(self.yml.read_text())
        (self.model,) = self.declared["models"]

    def column(self, name):
        (found,) = [each for each in self.model["columns"] if each["name"] == name]
        return found

    def select(self, what):
        """Have the model select this of its last common table expression."""
        text = self.sql.read_text()
        assert text.count("select * from final") == 1
        self.sql.write_text(
            text.replace("select * from final", f"select {what} from final")
        )

    def write(self):
        self.yml.write_text(yaml.safe_dump(self.declared, sort_keys=False))


@pytest.fixture
def model(project):
    return Model(project)


def built(place):
    """Build the table; return whether all succeeded, and the columns there are."""
    done = place.call("run", "-s", "metrics_daily")
    return done, {name: rest for name, *rest in place.ask(COLUMNS)}


def assert_settled(place):
    """Nothing is left to do, and nothing is rewritten."""
    before = place.ask("select ctid, xmin from analytics.metrics_daily order by 1")
    place.ask("select orchestrator.request('metrics_daily')")
    ((status, error),) = place.ask(
        "select status, error_message from analytics.refresh('metrics_daily')"
    )
    assert (status, error) == ("success", None)
    after = place.ask("select ctid, xmin from analytics.metrics_daily order by 1")
    assert after == before
    assert "is no longer as its model" not in place.call("doctor").stdout


def test_another_type_is_given_to_the_column(project, model):
    model.column("total_revenue_orders")["data_type"] = "numeric(16, 3)"
    model.column("total_calls")["data_type"] = "bigint"
    model.write()
    text = model.sql.read_text()
    model.sql.write_text(
        text.replace(
            "::integer\n                as total_calls",
            "\n                as total_calls",
        )
    )
    done, columns = built(project)
    assert done.exit_code == 0, done.stderr
    assert columns["total_revenue_orders"][0] == "numeric(16,3)"
    assert columns["total_calls"][0] == "bigint"
    assert_settled(project)


def test_a_column_that_is_declared_no_more_stays_and_stops_nothing(project, model):
    model.model["columns"].remove(model.column("minutes_saved"))
    model.model["constraints"] = [
        each for each in model.model["constraints"] if "minutes_saved" not in str(each)
    ]
    model.write()
    model.select(", ".join(column["name"] for column in model.model["columns"]))
    done, columns = built(project)
    assert done.exit_code == 0, done.stderr
    assert "metrics_daily keeps minutes_saved" in done.output
    assert columns["minutes_saved"][1] is False
    project.ask(
        "insert into restaurant.calls (account_id, location_id, call_type, status,"
        " started_at) select account_id, id, 'order', 'completed',"
        " now() - interval '400 days' from restaurant.locations limit 1"
    )
    assert project.value("select status from analytics.refresh('metrics_daily')") == (
        "success"
    )
    assert_settled(project)


def test_a_column_that_is_added_has_its_not_null_and_its_check(project, model):
    model.model["columns"].insert(
        -1,
        {
            "name": "calls_twice",
            "data_type": "integer",
            "constraints": [
                {"type": "not_null"},
                {"type": "check", "expression": "calls_twice >= 0"},
            ],
        },
    )
    model.write()
    model.select("*, total_calls * 2 as calls_twice")
    done, columns = built(project)
    assert done.exit_code == 0, done.stderr
    assert columns["calls_twice"] == ["integer", True]
    with pytest.raises(psycopg.errors.CheckViolation):
        project.ask("update analytics.metrics_daily set calls_twice = -1")
    assert_settled(project)


def test_checks_and_indexes_come_and_go_as_they_are_declared(project, model):
    indexes = """
        select indexname from pg_indexes
        where schemaname = 'analytics' and tablename = 'metrics_daily' order by 1
    """
    assert [name for (name,) in project.ask(indexes)] == [
        "metrics_daily_account_id_date_idx",
        "metrics_daily_date_idx",
        "metrics_daily_location_id_idx",
        "metrics_daily_pkey",
    ]
    project.ask("create index mine on analytics.metrics_daily (total_calls)")
    model.model["config"]["indexes"] = [{"columns": ["location_id", "date"]}]
    model.model["constraints"].append(
        {"type": "check", "expression": "total_calls < 1000000"}
    )
    model.write()
    done, _ = built(project)
    assert done.exit_code == 0, done.stderr
    assert [name for (name,) in project.ask(indexes)] == [
        "metrics_daily_location_id_date_idx",
        "metrics_daily_pkey",
        "mine",
    ]
    with pytest.raises(psycopg.errors.CheckViolation):
        project.ask("update analytics.metrics_daily set total_calls = 2000000")
    model.model["constraints"].pop()
    model.write()
    done, _ = built(project)
    assert done.exit_code == 0, done.stderr
    project.ask("update analytics.metrics_daily set total_calls = 2000000")
    project.ask("select orchestrator.request('metrics_daily')")
    project.ask("select * from analytics.refresh('metrics_daily')")
    assert_settled(project)


def test_another_key_is_brought_about(project, model):
    """Of the same rows, by another key; a key that they break is refused in words."""
    model.model["config"]["unique_key"] = ["location_id", "date"]
    model.model["constraints"][0]["columns"] = ["location_id", "date"]
    model.write()
    done, _ = built(project)
    assert done.exit_code == 0, done.stderr
    assert_settled(project)

    model.model["config"]["unique_key"] = ["account_id", "date"]
    model.model["constraints"][0]["columns"] = ["date"]
    model.write()
    before = project.value(ROWS)
    done, _ = built(project)
    assert done.exit_code == 1
    assert "dbt build --select metrics_daily --full-refresh" in done.stderr
    assert project.value(ROWS) == before


def test_a_table_changed_by_hand_is_brought_back(project):
    project.ask(
        "alter table analytics.metrics_daily alter column total_calls drop not null,"
        " alter column total_revenue_orders type numeric(30, 9)"
    )
    assert "metrics_daily is no longer as its model" in project.call("doctor").stdout
    before = project.ask(COLUMNS)
    done, columns = built(project)
    assert done.exit_code == 0, done.stderr
    assert columns["total_calls"][1] is True
    assert project.ask(COLUMNS) != before
    assert_settled(project)


HUNG = {
    "view app.calls": "create view app.calls as select * from analytics.metrics_daily",
    "materialized view app.sums": "create materialized view app.sums as"
    " select sum(total_calls) from analytics.metrics_daily",
    "index analytics.mine": "create index mine on"
    " analytics.metrics_daily (total_calls)",
    "trigger spy": "create trigger spy after insert on analytics.metrics_daily for each"
    " statement execute function suppress_redundant_updates_trigger()",
    "publication app": "create publication app for table analytics.metrics_daily",
    "statistics many": "create statistics app.many on account_id, date"
    " from analytics.metrics_daily",
}


def test_a_full_refresh_refuses_to_drop_what_is_others(project, capfd):
    project.ask("create schema app")
    for statement in HUNG.values():
        if "suppress" in statement:
            project.ask(
                "create function app.spy() returns trigger language plpgsql as"
                " 'begin return null; end'"
            )
            statement = statement.replace(
                "suppress_redundant_updates_trigger", "app.spy"
            )
        project.ask(statement)
    assert not project.dbt("run", "--full-refresh", "-s", "metrics_daily")
    said = " ".join(capfd.readouterr().out.split())
    for name in HUNG:
        assert name in said
    assert "orchestrator rebuild metrics_daily" in said
    assert project.ask("select 1 from app.calls limit 1") == [(1,)]
    project.answer("rebuild", "metrics_daily")
    project.ask("drop schema app cascade; drop publication app")
    project.ask("drop index analytics.mine")
    assert project.dbt("run", "--full-refresh", "-s", "metrics_daily")
    assert_settled(project)


def test_two_first_runs_at_once_both_succeed(sources):
    """Whether dbt or the orchestrator makes the schemas, views and tables."""
    commands = (
        [sys.executable, "-m", "orchestrator.cli", "run"],
        [sys.executable, "-m", "dbt.cli.main", "run"],
    )
    environment = {"PATH": "/usr/bin:/bin", **sources.environment}
    runs = [
        subprocess.Popen(
            command,
            env={**environment, "DBT_TARGET_PATH": str(sources.folder / str(number))},
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number, command in enumerate(commands)
    ]
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(said)
    assert sources.count("kpi_daily") > 0
    assert (
        sources.ask(
            "select 1 from orchestrator.job_runs where status not in"
            " ('success', 'skipped')"
        )
        == []
    )


def test_a_run_says_that_it_waits_for_another(project):
    with psycopg.connect(project.url) as other:
        other.execute("select pg_advisory_xact_lock(hashtext('orchestrator install'))")
        with subprocess.Popen(
            [sys.executable, "-m", "orchestrator.cli", "run", "-s", "metrics_daily"],
            env={"PATH": "/usr/bin:/bin", **project.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as run:
            assert run.stdout.readline() == (
                "Another run is installing or building the same; waiting for it.\n"
            )
            other.rollback()
            assert "metrics_daily  success" in run.stdout.read()
        assert run.returncode == 0
