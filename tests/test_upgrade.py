"""What an earlier version has built becomes what this one builds, by the next run."""

import io
import os
import subprocess
import tarfile

import pytest
from projects import CHECKOUT, Installation, named_database, workplace

from orchestrator import __version__

pytest_plugins = ["projects"]

# The first version that people could use: restaurants and communities, no access.
FIRST = "ad8910b"

DAYS = (
    "select md5(string_agg(kpi_daily::text, '' order by id)) from ("
    "select id, community_id, metric_date, total_entries, packages_pending,"
    " total_delinquent_amount from analytics.kpi_daily) as kpi_daily"
)

# The runtime's own tables, however they came to be: columns, constraints, indexes.
TABLES = """
with tables as (
    select oid, relname
    from pg_class
    where
        relnamespace = 'orchestrator'::regnamespace
        and relkind in ('r', 'c')
        -- Those of models.
        and relname !~ '^(int|stg|periods)_'
)

select
    relname,
    attname,
    format_type(atttypid, atttypmod),
    attnotnull::text,
    coalesce(pg_get_expr(adbin, adrelid), '')
from tables
inner join pg_attribute on attrelid = tables.oid and attnum > 0 and not attisdropped
left join pg_attrdef on adrelid = attrelid and adnum = attnum
union all
select relname, conname, pg_get_constraintdef(pg_constraint.oid), '', ''
from tables
inner join pg_constraint on conrelid = tables.oid and contype <> 'n'
union all
select relname, '', pg_get_indexdef(indexrelid), '', ''
from tables
inner join pg_index on indrelid = tables.oid
order by 1, 2, 3
"""


@pytest.fixture
def first_version(tmp_path):
    """The dbt project as it was in the first version."""
    archive = subprocess.run(
        ["git", "archive", FIRST], cwd=CHECKOUT, capture_output=True, check=False
    )
    if archive.returncode:
        missing = "the first version is not in this checkout's history"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tmp_path / "first", filter="data")
    return Installation(tmp_path / "first", tmp_path / "target")


def test_a_run_alone_upgrades_the_first_version(
    server, source_template, sources, first_version
):
    now = sources.installation, dict(sources.environment)
    sources.environment["DBT_PROJECT_DIR"] = str(first_version.project_dir)
    sources.environment["DBT_TARGET_PATH"] = str(first_version.target)
    assert sources.dbt("run")
    assert sources.value("select to_regclass('orchestrator.alert_incidents')") is None
    # Changed before the upgrade, and not refreshed since.
    sources.ask("update restaurant.orders set total_amount = total_amount + 1")
    days = sources.value(DAYS)

    sources.installation, sources.environment = now
    runs = {run["model"]: run["status"] for run in sources.answer("run")}
    assert set(runs.values()) == {"success"}
    assert set(runs) == {"kpi_daily", "kpi_monthly", "kpi_weekly", "metrics_daily"}
    assert sources.value(DAYS) == days
    assert sources.call("access", "check").exit_code == 0
    assert sources.call("install", "--dry-run").stdout == ""
    for audit in sources.answer("audit", "--all"):
        assert audit["rows_different"] == 0
    assert sources.call("status").stdout.startswith("Everything is fine")
    assert sources.dbt("test", "--exclude", "test_type:unit")
    assert sources.value("select orchestrator.version()") == __version__

    with (
        named_database(server, "new", source_template) as url,
        workplace(url, sources.installation) as new,
    ):
        new.answer("run", "--select", "kpi_daily")
        assert sources.ask(TABLES) == new.ask(TABLES)


def test_a_database_of_a_later_version_is_left_alone(project):
    known = project.value("select max(number) from orchestrator.migrations")
    project.ask("insert into orchestrator.migrations (number) values (999)")
    project.ask("comment on schema orchestrator is 'kpi_engine runtime of the future'")
    before = project.value("select count(*) from pg_proc")
    _, sentence = project.refuse("run")
    assert sentence.startswith(
        "The database was installed by a later version: it has had migration 999, and "
        f"this version knows {known}. Upgrade kpi_engine, which is {__version__}."
    )
    assert project.value("select count(*) from pg_proc") == before
