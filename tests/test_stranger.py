"""A project with tables of its own uses the engine as a package.

It has nothing of the five examples: shops with a number for a key, accounts with a
text, visits that are nobody's; and models beside its summary tables, its own and a
package's, that are dbt's alone.
"""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import sleep

import psycopg
import pytest
import yaml
from projects import CHECKOUT, Installation, named_database, workplace
from servers import temporary_folder

pytest_plugins = ["projects"]

STRANGER = CHECKOUT / "tests" / "stranger"
ENGINE = CHECKOUT / "orchestrator" / "packages" / "kpi_engine"
TABLES = {"orders_daily", "orders_monthly", "customer_cohorts", "charges_daily"}

# Of each kind of tenant: a row that changes one day of it.
CHANGES = {
    "orders_daily": "insert into shop.orders (shop_id, total, ordered_at)"
    " values (2, 5, now() - interval '3 days')",
    "charges_daily": "update billing.charges set amount = amount + 1"
    " where id = 'ch_7acct_O''Brien'",
    "visits_daily": "delete from web.visits where id = (select max(id) from web.visits"
    " where seen_at < now() - interval '3 days')",
}


def stranger_in(folder):
    """The stranger's project in a folder, with the engine and another's models."""
    project, other = folder / "project", folder / "other"
    shutil.copytree(STRANGER, project)
    (other / "models").mkdir(parents=True)
    (other / "dbt_project.yml").write_text(
        "name: other\nversion: '1.0.0'\nconfig-version: 2\n"
    )
    (other / "models" / "watched.sql").write_text(
        "{{ config(materialized='table', schema='watch') }} select 1 as one"
    )
    # In the target's own schema, which is the one that is published, as it names none.
    (other / "models" / "counted.sql").write_text("select 2 as two")
    packages = {"packages": [{"local": str(ENGINE)}, {"local": str(other)}]}
    (project / "packages.yml").write_text(yaml.safe_dump(packages))
    return Installation(project, folder / "target")


def build(place):
    place.ask((STRANGER / "sources.sql").read_text())
    assert place.dbt("deps")
    assert place.dbt("build")


@pytest.fixture(scope="module")
def shop(server):
    """The stranger's database and project, built."""
    with (
        temporary_folder() as folder,
        named_database(server, "shop", "template1") as url,
        workplace(url, stranger_in(folder)) as place,
    ):
        build(place)
        yield place


def seen_by(shop, claims, table, column):
    """Whose rows of a table a client with these claims reads."""
    with psycopg.connect(shop.url) as client:
        client.execute("set local role authenticated")
        client.execute(
            "select set_config('request.jwt.claims', %s, true)", [json.dumps(claims)]
        )
        found = client.execute(f"select distinct {column} from analytics.{table}")
        return {tenant for (tenant,) in found}


def test_the_guide_has_what_this_project_has():
    guide = (CHECKOUT / "docs" / "your-own-tables.md").read_text()
    *models, macros = re.findall(r"```sql\n(.*?)```", guide, re.DOTALL)
    assert (STRANGER / "macros" / "engine.sql").read_text() == macros
    for model in models:
        name, text = re.fullmatch(r"-- (\S+)\n(.*)", model, re.DOTALL).groups()
        assert (STRANGER / name).read_text() == text
    assert len(models) == 2
    _, settings = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    shown = yaml.safe_load(settings)
    project = yaml.safe_load((STRANGER / "dbt_project.yml").read_text())
    assert shown["dispatch"] == project["dispatch"]
    for folder, config in shown["models"]["shop"].items():
        assert config.items() <= project["models"]["shop"][folder].items()


@pytest.mark.parametrize("model", CHANGES)
def test_a_changed_row_rewrites_its_day_alone(shop, model):
    for command in (("refresh", model), ("run",)):
        shop.ask(CHANGES[model])
        rows = f"select ctid, target::text from analytics.{model} as target"
        before = shop.ask(rows)
        assert shop.call(*command).exit_code == 0
        after = shop.ask(rows)
        if command == ("refresh", model):
            # It is another row, or none where it was the day's only one.
            assert len(set(before) - set(after)) == 1
            assert len(set(after) - set(before)) <= 1
    (audit,) = shop.answer("audit", model, "--all")
    assert audit["rows_different"] == 0


def test_the_commands_know_nothing_else(shop):
    assert shop.call("access", "check").stdout == shop.call("access", "check").stdout
    assert shop.call("access", "check").exit_code == 0
    assert shop.call("doctor").exit_code == 0
    assert shop.call("install", "--dry-run").stdout == ""
    assert "orders_daily" in shop.call("status").stdout
    assert shop.dbt("test")
    for table in TABLES:
        shop.answer("rebuild", table)


def test_members_read_the_rows_of_their_tenants(shop):
    assert seen_by(shop, {"sub": "102"}, "orders_daily", "shop_id") == {2}
    assert seen_by(shop, {"sub": 103}, "orders_daily", "shop_id") == {3}
    owner = {"sub": "owner of acct_O'Brien"}
    assert seen_by(shop, owner, "charges_daily", "account_id") == {"acct_O'Brien"}
    admin = {"sub": "x", "app_metadata": {"role": "admin"}}
    assert seen_by(shop, admin, "orders_daily", "shop_id") == {1, 2, 3}
    assert len(seen_by(shop, admin, "charges_daily", "account_id")) == 4


@pytest.mark.parametrize(
    "sub",
    [
        "900",  # a cleaner, of a table that managers read
        "",
        "abc",
        "102 or true",
        "9" * 30,
        "102.5",
        None,
        ["102"],
        {"sub": "102"},
        "00000000-0000-0000-0000-000000000102",
        "owner of acct_%",
    ],
)
def test_a_token_that_names_no_member_reads_nothing_and_is_no_error(shop, sub):
    for table, column in [("orders_daily", "shop_id"), ("charges_daily", "account_id")]:
        assert seen_by(shop, {"sub": sub}, table, column) == set()


def test_freshness_names_each_tenant_to_its_members(shop):
    with psycopg.connect(shop.url) as client:
        client.execute("set local role authenticated")
        client.execute(
            "select set_config('request.jwt.claims', %s, true)",
            [json.dumps({"sub": "owner of acct_a,b"})],
        )
        found = client.execute(
            "select model, tenant_id from analytics.data_freshness order by 1"
        ).fetchall()
    assert found == [("charges_daily", "acct_a,b"), ("visits_daily", None)]


def test_a_tenant_is_named_by_its_key(shop):
    shop.ask("update analytics.orders_daily set orders = -1 where shop_id < 3")
    shop.ask("update analytics.charges_daily set charges = -1")
    shop.answer("refresh", "orders_daily", "--tenant", "2")
    shop.answer("refresh", "charges_daily", "--tenant", "acct_a,b")
    shop.ask("select analytics.compute_charges_daily('acct_Zoë', current_date - 3)")
    wrong = "select count(distinct {}) from analytics.{} where {} = -1"
    assert shop.value(wrong.format("shop_id", "orders_daily", "orders")) == 1
    assert shop.value(wrong.format("account_id", "charges_daily", "charges")) == 3
    assert shop.value(
        "select charges from analytics.charges_daily"
        " where account_id = 'acct_Zoë' and metric_date = current_date - 3"
    )
    shop.answer("backfill", "orders_daily", "--from", "2020-01-01", "--tenant", "1")
    shop.answer("audit", "charges_daily", "--all", "--repair")
    assert shop.value(wrong.format("shop_id", "orders_daily", "orders")) == 0
    assert shop.value(wrong.format("account_id", "charges_daily", "charges")) == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("orders_daily", "--tenant", "77"), "orders_daily has no tenant 77."),
        (
            ("orders_daily", "--tenant", "it's"),
            "orders_daily has no tenant 'it''s': its tenants' ids are of type bigint.",
        ),
        (("charges_daily", "--tenant", "it's"), "charges_daily has no tenant it's."),
        (("visits_daily", "--tenant", "1"), "visits_daily has no tenants."),
    ],
)
def test_a_tenant_that_there_is_not_is_refused_in_words(shop, arguments, sentence):
    assert shop.refuse("refresh", *arguments)[1] == sentence


def test_a_tenant_that_fails_is_alone_in_it(shop):
    shop.ask(
        "update billing.charges set amount = 9000000000000000000"
        " where account_id = 'acct_O''Brien' and id < 'ch_2'"
    )
    shop.ask(CHANGES["charges_daily"].replace("O''Brien", "42"))
    shop.call("refresh", "charges_daily")
    assert shop.ask("select tenant from orchestrator.quarantine") == [("acct_O'Brien",)]
    assert "acct_O'Brien" in shop.call("status").stdout
    shop.ask("update billing.charges set amount = 1 where amount > 1000000")
    assert shop.call("refresh", "charges_daily").exit_code == 0
    (audit,) = shop.answer("audit", "charges_daily", "--all")
    assert audit["rows_different"] == 0


def test_nothing_is_lost_when_refreshes_are_killed(shop):
    """At random moments, of whichever table, while rows of each kind change."""
    random = Random(1)
    with psycopg.connect(shop.url, autocommit=True) as application:
        for _ in range(20):
            for change in CHANGES.values():
                application.execute(change)
            for model in random.sample(list(CHANGES), 2):
                refresh = psycopg.connect(shop.url, autocommit=True)
                pid = refresh.info.backend_pid
                with ThreadPoolExecutor(1) as pool:
                    done = pool.submit(
                        refresh.execute, "select analytics.refresh(%s)", [model]
                    )
                    sleep(random.random() * 0.03)
                    application.execute("select pg_terminate_backend(%s)", [pid])
                    done.exception()
                refresh.close()
    assert shop.call("run").exit_code == 0
    for audit in shop.answer("audit", "--all"):
        assert audit["rows_different"] == 0
    assert shop.ask("select 1 from orchestrator.refresh_queue") == []


def test_a_renamed_tenant_takes_its_rows_along(shop):
    shop.ask("alter table billing.charges drop constraint charges_account_id_fkey")
    shop.ask("update billing.accounts set id = 'acct_New' where id = 'acct_42'")
    shop.ask("update billing.charges set account_id = 'acct_New'"
             " where account_id = 'acct_42'")  # fmt: skip
    assert shop.call("refresh", "charges_daily").exit_code == 0
    tenants = "select array_agg(distinct account_id) from analytics.charges_daily"
    assert "acct_New" in shop.value(tenants)
    assert "acct_42" not in shop.value(tenants)


def edited(shop, tmp_path, model, old, new):
    """The project with a change in a model's YAML."""
    project = tmp_path / "project"
    shutil.copytree(shop.installation.project_dir, project)
    (path,) = project.glob(f"models/*/*/{model}.yml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return Installation(project, tmp_path / "target")


@pytest.mark.parametrize(
    ("model", "old", "new", "sentence"),
    [
        (
            "charges_daily",
            "account_id, data_type: text",
            "account_id, data_type: varchar(40)",
            "charges_daily: account_id, which says whose a row is, has the type "
            "varchar(40). It must be uuid, bigint, integer, smallint or text",
        ),
        (
            "charges_daily",
            "account_id, data_type: text",
            "account_id, data_type: uuid",
            "charges_daily declares account_id as uuid, and in its calendar "
            '"orchestrator"."billing_calendar" it is character varying.',
        ),
    ],
)
def test_a_key_of_the_wrong_type_is_refused_at_the_build(
    shop, tmp_path, model, old, new, sentence
):
    with workplace(shop.url, edited(shop, tmp_path, model, old, new)) as place:
        result = place.call("run", "--select", model)
        assert result.exit_code == 1
        assert sentence in re.sub(r"\s+", " ", result.stdout + result.stderr)


def test_other_models_are_as_dbt_makes_them(shop):
    """Tables and views of other schemas: without triggers, policies or hooks."""
    shop.ask("insert into shop.suppliers (name) values ('Mill')")
    assert shop.dbt("build", "-s", "path:models/marts")
    assert shop.value("select count(*) from analytics_marts.supplier_names") > 1
    assert shop.value("select one from analytics_watch.watched") == 1
    assert shop.value("select two from analytics.counted") == 2
    assert (
        shop.ask(
            "select 1 from pg_class where relrowsecurity and relnamespace"
            " in ('analytics_marts'::regnamespace, 'analytics_watch'::regnamespace)"
        )
        == []
    )
    assert shop.ask("select * from analytics_marts.revenue_by_shop limit 1")
    assert not shop.ask(
        "select 1 from orchestrator.views where relation like '%marts%'"
    )
