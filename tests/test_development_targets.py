"""A development target builds the same tables into schemas of its own.

From the same sources, by the same SQL; production, and the application's tables, are
not touched by it.
"""

import json
import re
import shutil

import psycopg
import pytest
from projects import Installation, workplace
from test_stranger import CHANGES, shop  # noqa: F401

pytest_plugins = ["projects"]

DAYS = "select shop_id, metric_date, orders, revenue from {}.orders_daily order by 1, 2"

# Everything outside of the schemas of dev_anna and dev_ben, as its catalog rows were
# last written; what production's tables and its runtime hold.
EVERYTHING_ELSE = """
with parts as (
    select concat_ws(' ', nspname, pg_namespace.xmin, nspacl) as part
    from pg_namespace
    where nspname !~ '^(dev_|pg_)'
    union all
    select concat_ws(' ', relnamespace::regnamespace, relname, pg_class.xmin)
    from pg_class
    where relnamespace::regnamespace::text !~ '^(dev_|pg_)'
    union all
    select concat_ws(' ', pronamespace::regnamespace, proname, pg_proc.xmin)
    from pg_proc
    where pronamespace::regnamespace::text !~ '^(dev_|pg_)'
    union all
    select concat_ws(' ', tgrelid::regclass, tgname, xmin)
    from pg_trigger
    where tgrelid::regclass::text !~ '^dev_'
    union all
    select concat_ws(' ', conrelid::regclass, conname, xmin)
    from pg_constraint
    where conrelid::regclass::text !~ '^dev_'
    union all
    select concat_ws(' ', polrelid::regclass, polname, xmin)
    from pg_policy
    where polrelid::regclass::text !~ '^dev_'
    union all
    select concat_ws(' ', evtname, xmin) from pg_event_trigger
    union all
    select concat_ws(' ', rolname, xmin) from pg_authid
    union all
    select concat_ws(' ', ctid, xmin, days) from analytics.orders_daily as days
    union all
    select concat_ws(' ', ctid, xmin, models) from orchestrator.models as models
    union all
    select concat_ws(' ', ctid, xmin, runs) from orchestrator.job_runs as runs
)

select md5(string_agg(part, ',' order by part)) from parts
"""


@pytest.fixture
def targets(shop):  # noqa: F811
    """The stranger's project, with the targets of two developers."""
    profiles = shop.folder / "profiles.yml"
    before = profiles.read_text()
    written = json.loads(before)
    outputs = written["kpi_summaries"]["outputs"]
    for name in ("anna", "ben"):
        outputs[name] = {**outputs["test"], "schema": f"dev_{name}"}
    profiles.write_text(json.dumps(written))
    yield shop
    profiles.write_text(before)
    for schema in ("dev_anna", "dev_ben"):
        for suffix in ("", "_orchestrator", "_marts", "_watch"):
            shop.ask(f"drop schema if exists {schema}{suffix} cascade")


def test_two_developers_and_production_do_not_touch_each_other(targets):
    targets.answer("run")
    before = targets.value(EVERYTHING_ELSE)
    assert targets.dbt("build", "--target", "anna")
    assert targets.dbt("build", "--target", "ben", "--select", "+orders_daily")
    for schema in ("dev_anna", "dev_ben"):
        assert targets.ask(DAYS.format(schema)) == targets.ask(DAYS.format("analytics"))
        assert not targets.ask(
            "select 1 from pg_class, aclexplode(relacl)"
            " where relnamespace = %s::regnamespace and grantee <> relowner",
            schema,
        )
    for command in (
        ("status",),
        ("doctor",),
        ("access", "check"),
        ("audit", "orders_daily", "--all"),
        ("rebuild", "orders_daily"),
        ("backfill", "orders_daily", "--from", "2020-01-01"),
        ("refresh", "orders_daily", "--tenant", "1"),
    ):
        result = targets.call(*command, "--target", "anna")
        assert result.exit_code == 0, result.output
    assert targets.value(EVERYTHING_ELSE) == before


def test_each_build_computes_what_has_changed_since(targets):
    assert targets.dbt("build", "--target", "anna", "--select", "+orders_daily")
    targets.ask(CHANGES["orders_daily"])
    targets.ask("delete from shop.orders where id = 3")
    for command in ("build", "run"):
        assert targets.dbt(command, "--target", "anna", "--select", "orders_daily")
        targets.answer("run")
        assert targets.ask(DAYS.format("dev_anna")) == targets.ask(
            DAYS.format("analytics")
        )
        targets.ask(CHANGES["orders_daily"])


def test_a_sample_builds_the_last_days_alone(targets):
    selected = ("--select", "+orders_daily", "--exclude", "test_type:data")
    assert targets.dbt("build", "--target", "anna", "--sample", "3 days", *selected)
    days = "select count(distinct metric_date) from dev_anna.orders_daily"
    assert 2 <= targets.value(days) <= 4


def test_production_refreshes_while_a_developer_builds(targets):
    """Their locks are apart."""
    assert targets.dbt("build", "--target", "anna", "--select", "+orders_daily")
    with psycopg.connect(targets.url) as developer:
        developer.execute(
            "select dev_anna_orchestrator.begin_refresh("
            "'orders_daily', 'test', 'requested')"
        )
        targets.ask(CHANGES["orders_daily"])
        assert targets.answer("refresh", "orders_daily")["rows_changed"] == 1


def test_a_developers_copy_is_uninstalled_alone(targets):
    targets.answer("run")
    before = targets.value(EVERYTHING_ELSE)
    assert targets.dbt("build", "--target", "anna", "--select", "+orders_daily")
    result = targets.call("uninstall", "--target", "anna", "--drop-tables", "--yes")
    assert result.exit_code == 0, result.output
    assert targets.value("select to_regnamespace('dev_anna')") is None
    assert targets.value("select to_regnamespace('dev_anna_orchestrator')") is None
    assert targets.value(EVERYTHING_ELSE) == before


def test_a_target_that_was_not_built_is_not_taken_for_production(targets):
    for command in (("status",), ("refresh", "orders_daily"), ("audit",)):
        _, sentence = targets.refuse(*command, "--target", "ben")
        assert sentence == (
            'The database "shop" has no summary tables yet: build them with '
            "'orchestrator run'."
        )


def test_no_job_refreshes_a_developers_copy(targets):
    assert targets.dbt("build", "--target", "anna", "--select", "+orders_daily")
    _, sentence = targets.refuse("cron", "install", "--target", "anna")
    assert sentence == "The target anna is for development: no job refreshes it."


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ("dev-anna", "Give it a name of small letters, digits and _"),
        ("shop", "where the source shop.shops is. Give the target a schema of its own"),
    ],
)
def test_a_schema_that_cannot_be_a_targets_own_is_refused(
    targets, tmp_path, schema, sentence
):
    targets.write_profile(schema=schema)
    result = targets.call("run")
    assert result.exit_code == 1
    assert sentence in re.sub(r"\s+", " ", result.stderr)


def test_a_project_may_name_the_schemas_itself(targets, tmp_path):
    """With dbt's own generate_schema_name, and its production target named."""
    project = tmp_path / "project"
    shutil.copytree(targets.installation.project_dir, project)
    engine = project / "macros" / "engine.sql"
    text = engine.read_text()
    engine.write_text(text[text.index("{% macro get_incremental") :])
    settings = project / "dbt_project.yml"
    settings.write_text(settings.read_text() + "\nvars: {production_targets: [test]}\n")
    with workplace(targets.url, Installation(project, tmp_path / "target")) as place:
        place.write_profile(schema="dev_anna")
        assert place.dbt("build", "--select", "+orders_daily")
        query = DAYS.format("dev_anna_analytics")
        targets.ask(CHANGES["orders_daily"])
        assert place.answer("refresh", "orders_daily")["rows_changed"] == 1
        targets.answer("run")
        assert place.ask(query) == place.ask(DAYS.format("analytics"))
        place.call("uninstall", "--drop-tables", "--yes")
        assert place.value("select to_regnamespace('dev_anna_orchestrator')") is None
