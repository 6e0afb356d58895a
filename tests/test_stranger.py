"""A project with tables of its own uses the engine as a package.

It has nothing of the five examples, and models beside its summary tables that are
dbt's alone.
"""

import re
import shutil

import psycopg
import pytest
import yaml
from projects import CHECKOUT, Installation, named_database, workplace
from servers import temporary_folder

pytest_plugins = ["projects"]

STRANGER = CHECKOUT / "tests" / "stranger"
ENGINE = CHECKOUT / "orchestrator" / "packages" / "kpi_engine"

SALE = """
    insert into shop.sales (store_id, amount, sold_at)
    select id, 5, now() - interval '3 days' from shop.stores order by id limit 1
"""


@pytest.fixture(scope="module")
def shop(server):
    """The stranger's database and project, whose packages dbt has installed."""
    with (
        temporary_folder() as folder,
        named_database(server, "shop", "template1") as url,
    ):
        project = folder / "project"
        shutil.copytree(STRANGER, project)
        packages = {"packages": [{"local": str(ENGINE)}]}
        (project / "packages.yml").write_text(yaml.safe_dump(packages))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((STRANGER / "sources.sql").read_text())
        with workplace(url, Installation(project, folder / "target")) as place:
            assert place.dbt("deps")
            assert place.dbt("build")
            yield place


def test_the_guide_has_what_this_project_has():
    guide = (CHECKOUT / "docs" / "package.md").read_text()
    (macros,) = re.findall(r"```sql\n(.*?)```", guide, re.DOTALL)
    assert (STRANGER / "macros" / "engine.sql").read_text() == macros
    _, settings = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    shown = yaml.safe_load(settings)
    project = yaml.safe_load((STRANGER / "dbt_project.yml").read_text())
    assert shown["dispatch"] == project["dispatch"]
    for folder, config in shown["models"]["shop"].items():
        assert config == project["models"]["shop"][folder]


def test_a_changed_row_rewrites_its_day_alone(shop):
    for command in (("refresh", "sales_daily"), ("run",)):
        shop.ask(SALE)
        before = shop.ask("select ctid, sales from analytics.sales_daily")
        assert shop.call(*command).exit_code == 0
        after = shop.ask("select ctid, sales from analytics.sales_daily")
        assert len(set(after) - set(before)) == 1
    (audit,) = shop.answer("audit", "sales_daily", "--all")
    assert audit["rows_different"] == 0


def test_the_commands_know_nothing_else(shop):
    assert shop.call("access", "check").exit_code == 0
    assert shop.call("doctor").exit_code == 0
    assert shop.call("install", "--dry-run").stdout == ""
    assert "sales_daily" in shop.call("status").stdout
    assert shop.dbt("test")
    shop.answer("rebuild", "sales_daily")


def test_a_member_reads_the_rows_of_their_store(shop):
    member, store = shop.ask("select user_id, store_id from shop.members limit 1")[0]
    with psycopg.connect(shop.url) as client:
        client.execute("set local role authenticated")
        client.execute(
            "select set_config('request.jwt.claims',"
            " json_build_object('sub', %s::text, 'role', 'authenticated')::text, true)",
            [member],
        )
        found = client.execute("select distinct store_id from analytics.sales_daily")
        assert found.fetchall() == [(store,)]


def test_other_models_are_as_dbt_makes_them(shop):
    """Tables and views of other schemas: without triggers, policies or hooks."""
    shop.ask("insert into shop.suppliers (name) values ('Mill')")
    assert shop.dbt("build", "-s", "path:models/marts")
    assert shop.value("select count(*) from marts.supplier_names") > 1
    assert (
        shop.ask(
            "select 1 from pg_class where relnamespace = 'marts'::regnamespace"
            " and relrowsecurity"
        )
        == []
    )
    assert shop.ask("select * from marts.revenue_by_store limit 1")
    assert not shop.ask("select 1 from orchestrator.views where relation like 'marts%'")
