"""dbt's own commands do here what a user of dbt expects of them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import psycopg
import yaml
from dbt.cli.main import dbtRunner
from projects import CHECKOUT

pytest_plugins = ["projects"]

WORKFLOW = CHECKOUT / ".github" / "workflows" / "pull-request.yml"


def names(place, *selection):
    """Return the models that dbt selects by this."""
    with mock.patch.dict(os.environ, place.environment):
        listed = dbtRunner().invoke(
            ["--quiet", "ls", "--resource-type", "model", *selection]
        )
    assert listed.success
    return [name.rpartition(".")[2] for name in listed.result]


def use_restaurants_alone(project):
    """Leave out the other domain: it takes long to read."""
    for folder in ("models", "tests/singular"):
        shutil.rmtree(project / folder / "community")
    settings = project / "dbt_project.yml"
    domains = "  domains: [restaurant]"
    text = re.sub("^  domains: .*$", domains, settings.read_text(), flags=re.M)
    settings.write_text(text)


def test_selectors_name_cadences_and_domains(project):
    """Minutes are what no other cadence has, so these are looked at as well."""
    every = dict(
        project.ask("select model, cadence ->> 'every' from orchestrator.models")
    )
    assert set(names(project, "--selector", "daily")) == {
        model for model, cadence in every.items() if cadence == "day"
    }
    assert set(names(project, "--selector", "minutes")) == {
        model for model, cadence in every.items() if cadence.endswith("minutes")
    }
    assert set(names(project, "--selector", "restaurant")) == {
        file.stem for file in (CHECKOUT / "models" / "restaurant").rglob("*.sql")
    }


def test_the_examples_of_every_model_come_true(whole_project):
    assert whole_project.dbt("test", "--select", "test_type:unit")


def test_domains_that_are_left_out_are_not_missed(empty, tmp_path):
    """Nothing warns of what depends on them, or is said of them."""
    empty.environment["DBT_PROJECT_DIR"] = str(CHECKOUT)
    empty.environment["DBT_TARGET_PATH"] = str(tmp_path)
    assert empty.dbt("--warn-error", "parse", "--vars", "{domains: [restaurant]}")


def test_source_freshness_says_which_application_has_fallen_silent(project):
    project.ask(
        "update community.access_logs set occurred_at = now()"
        " where id = (select max(id) from community.access_logs)"
    )
    project.ask(
        "update restaurant.calls set started_at = started_at - interval '9 days'"
    )
    assert project.dbt("source", "freshness", "-s", "source:community")
    assert not project.dbt("source", "freshness", "-s", "source:restaurant")


def test_a_sample_is_of_whole_days_and_the_next_run_adds_the_rest(sources):
    def days():
        return set(sources.ask("select metric_date, kpi_daily::text from kpi_daily"))

    sources.ask("alter database test set search_path = analytics")
    alone = ("-s", "+kpi_daily", "--indirect-selection", "buildable")
    assert sources.dbt("build", *alone, "--sample", "5 days")
    sampled = days()
    assert len({day for day, _ in sampled}) in (5, 6, 7)
    assert sources.dbt("run", "-s", "+kpi_daily")
    assert sampled < days()
    assert sources.dbt("run", "-s", "kpi_daily", "--sample", "5 days")
    assert not sources.dbt("run", "--full-refresh", "--sample", "5 days")
    ((reason, rows_changed),) = sources.ask(
        "select reason, rows_changed from orchestrator.job_runs"
        " order by id desc limit 1"
    )
    assert (reason, rows_changed) == ("sample", 0)


def test_a_pull_request_builds_what_it_changes(sources, tmp_path):
    """The sample workflow, step by step, but for what GitHub itself does."""
    base, change = tmp_path / "origin", tmp_path / "change" / "project"
    sources.installation.copy_to(base)
    use_restaurants_alone(base)
    staging = base / "models" / "restaurant" / "staging"
    (staging / "stg_restaurant__untouched.sql").write_text("select 1 as one")
    for name in (".github", "profiles.yml.example"):
        copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy
        copy(CHECKOUT / name, base / name)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    for call in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("add", "."),
        ("commit", "--quiet", "--message", "base"),
    ):
        subprocess.run([*git, *call], cwd=base, check=True)
    subprocess.run([*git, "clone", "--quiet", base, change], check=True)
    model = change / "models" / "restaurant" / "metrics_daily.sql"
    model.write_text("-- a change\n" + model.read_text())

    login = psycopg.conninfo.conninfo_to_dict(sources.url)
    environment = {
        **{key: value for key, value in os.environ.items() if key[:3] != "DBT"},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PGHOST": login["host"],
        "PGPORT": login["port"],
        "PGUSER": login["user"],
        "PGPASSWORD": login["password"],
        "PGDATABASE": login["dbname"],
        "GITHUB_BASE_REF": "main",
    }
    shutil.copy(change / "profiles.yml.example", change / "profiles.yml")
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["build"]["steps"]
    scripts = {step["name"]: step["run"] for step in steps if "name" in step}
    assert list(scripts) == [
        "Set up",  # makes an environment, as every test here has one
        "Make source tables",  # which this database has
        "Read what the base branch has",
        "Build and test what differs",
    ]
    for name in list(scripts)[2:]:
        subprocess.run(
            ["bash", "-e", "-c", scripts[name]],
            cwd=change,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    built = {model for (model,) in sources.ask("select job from orchestrator.job_runs")}
    assert built == {"metrics_daily"}
    views = "select count(*) from pg_views where viewname like 'stg_restaurant\\_\\_%'"
    assert sources.value(views) == 7
    untouched = "select to_regclass('orchestrator.stg_restaurant__untouched')"
    assert sources.value(untouched) is None
