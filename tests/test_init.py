"""A project is begun, or added to, from the tables that there are.

What comes out builds, is fresh after a change, and says what its tables say.
"""

import os
import pty
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from dbt.cli.main import dbtRunner
from projects import CHECKOUT, Installation, Workplace, named_database
from psycopg.conninfo import conninfo_to_dict

from orchestrator.cli import main

STRANGER = (CHECKOUT / "tests" / "stranger" / "sources.sql").read_text()

# As Prisma and Rails make tables: names that need quotes, times without a zone.
ODD = """
create table "Team" (
    "teamId" integer primary key, "timeZone" text, "deletedAt" timestamp
);
create table "Order Item" (
    id serial primary key,
    "teamId" integer references "Team" ("teamId"),
    "unitPrice" numeric(10, 2),
    "Order" text,
    "createdAt" timestamp not null default (now() at time zone 'UTC'),
    "updatedAt" timestamp
);
create table payroll (
    id uuid default gen_random_uuid() primary key,
    team_id integer references "Team" ("teamId"),
    hours real,
    worked_on date not null
);
insert into "Team" values (7, 'Asia/Tokyo', null), (8, 'Europe/Rome', null);
insert into "Order Item" ("teamId", "unitPrice", "createdAt")
select 7 + n % 2, n, (now() at time zone 'UTC') - n * interval '5 hours'
from generate_series(1, 100) as n;
insert into payroll (team_id, hours, worked_on)
select 7 + n % 2, n / 10.0, current_date - n % 9 from generate_series(1, 50) as n;
"""


class Newcomer(Workplace):
    """Someone with a database, in a folder of their own, and nothing else."""

    def __post_init__(self) -> None:
        login = conninfo_to_dict(self.url)
        self.environment = {
            "PGHOST": login["host"],
            "PGPORT": str(login["port"]),
            "PGUSER": login["user"],
            "PGPASSWORD": login["password"],
            "PGDATABASE": login["dbname"],
            "USER": "anna",
            "DBT_PROJECT_DIR": "",
            "DBT_PROFILES_DIR": "",
            "DBT_TARGET_PATH": "",
            "COLUMNS": "80",
        }

    @contextmanager
    def here(self):
        before = Path.cwd()
        os.chdir(self.folder)
        with mock.patch.dict(os.environ, self.environment):
            for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR", "DBT_TARGET_PATH"):
                os.environ.pop(name, None)
            try:
                yield
            finally:
                os.chdir(before)

    def call(self, *arguments):
        with self.here():
            result = CliRunner().invoke(main, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def dbt(self, *arguments):
        with self.here():
            return dbtRunner().invoke(["--quiet", *arguments]).success

    def files(self):
        """What the folder holds, but for what dbt makes."""
        made = {"dbt_packages", "target", "logs", "packages", ".user.yml", ".git"}
        return {
            str(path.relative_to(self.folder)): path.read_text()
            for path in self.folder.rglob("*")
            if path.is_file() and not made & set(path.relative_to(self.folder).parts)
        }


@pytest.fixture
def newcomer(server, tmp_path, request):
    with named_database(server, "newcomer", "template1") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(getattr(request, "param", STRANGER))
        folder = tmp_path / "shop"
        folder.mkdir()
        yield Newcomer(url, folder, Installation(folder, folder / "target"))


def test_an_empty_folder_becomes_a_fresh_tested_summary(newcomer):
    result = newcomer.call("init", "--table", "orders", "--yes")
    assert result.exit_code == 0, result.output
    assert "shop.orders, by ordered_at" in result.output
    assert "of each row of shop.shops (shop_id)" in result.output
    assert "read by the members that shop.staff has, by user_id" in result.output
    assert newcomer.dbt("--warn-error", "build")
    assert newcomer.call("access", "check").exit_code == 0
    assert newcomer.call("doctor").exit_code == 0
    rows = "select ctid, target::text from analytics.orders_daily as target"
    before = newcomer.ask(rows)
    newcomer.ask("update shop.orders set total = total + 1 where id = 9")
    assert newcomer.value("select bool_and(immediate) from orchestrator.refresh_queue")
    assert newcomer.call("run").exit_code == 0
    assert len(set(newcomer.ask(rows)) - set(before)) == 1
    assert newcomer.ask(
        "select sum(orders), sum(total)::numeric from analytics.orders_daily"
    ) == newcomer.ask("select count(*), sum(total) from shop.orders")
    (audit,) = newcomer.answer("audit", "--all")
    assert audit["rows_different"] == 0


def test_more_tables_are_added_with_and_without_tenants(newcomer):
    assert newcomer.call("init", "--table", "orders", "--yes").exit_code == 0
    for arguments in (
        ("customers",),
        ("charges", "--domain", "billing", "--readers", "admins"),
        ("visits", "--domain", "web", "--timezone", "Europe/Paris"),
    ):
        result = newcomer.call("add", *arguments)
        assert result.exit_code == 0, result.output
    assert newcomer.dbt("--warn-error", "build")
    assert {run["model"] for run in newcomer.answer("run")} == {
        "orders_daily",
        "customers_daily",
        "charges_daily",
        "visits_daily",
    }
    for summary, source in [
        ("customers_daily", "shop.customers"),
        ("charges_daily", "billing.charges"),
        ("visits_daily", "web.visits"),
    ]:
        column = summary.removesuffix("_daily")
        counted = f"select sum({column})::bigint from analytics.{summary}"
        assert newcomer.value(counted) == newcomer.value(
            f"select count(*) from {source}"
        )
    assert newcomer.dbt("build", "--target", "dev")
    assert newcomer.value("select count(*) from dev_anna.orders_daily")


@pytest.mark.parametrize("newcomer", [ODD], indirect=True)
def test_names_that_need_quotes_and_times_without_a_zone_are_taken(newcomer):
    result = newcomer.call("init", "--table", "Order Item", "--table", "payroll")
    assert result.exit_code == 0, result.output
    assert newcomer.dbt("--warn-error", "build")
    assert newcomer.ask(
        "select team_id, sum(order_item), sum(unit_price)::numeric"
        " from analytics.order_item_daily group by 1 order by 1"
    ) == newcomer.ask(
        'select "teamId", count(*), sum("unitPrice") from "Order Item"'
        " group by 1 order by 1"
    )
    newcomer.ask('insert into "Order Item" ("teamId", "unitPrice") values (8, 3)')
    newcomer.ask("delete from payroll where worked_on = current_date - 4")
    assert newcomer.call("run").exit_code == 0
    for audit in newcomer.answer("audit", "--all"):
        assert audit["rows_different"] == 0
    assert newcomer.value(
        "select sum(hours) - (select sum(hours) from payroll) < 0.001"
        " from analytics.payroll_daily"
    )


PROJECT = """\
name: 'jaffle'    # our own
version: '1.0.0'
profile: jaffle

vars:
  # how far back
  start: '2020-01-01'

models:
  jaffle:
    +materialized: table
    marts:
      +schema: reporting
"""


@pytest.fixture
def existing(newcomer):
    """A project that has been there before, built."""
    login = {
        "type": "postgres",
        "host": newcomer.environment["PGHOST"],
        "port": int(newcomer.environment["PGPORT"]),
        "user": newcomer.environment["PGUSER"],
        "password": newcomer.environment["PGPASSWORD"],
        "dbname": "newcomer",
        "threads": 2,
    }
    targets = {"live": "dbt", "anna": "dbt_anna"}
    outputs = {name: {**login, "schema": schema} for name, schema in targets.items()}
    profiles = {"jaffle": {"target": "live", "outputs": outputs}}
    marts = newcomer.folder / "models" / "marts"
    marts.mkdir(parents=True)
    (newcomer.folder / "dbt_project.yml").write_text(PROJECT)
    (newcomer.folder / "profiles.yml").write_text(yaml.safe_dump(profiles))
    (newcomer.folder / "models" / "sources.yml").write_text(
        "sources: [{name: shop, tables: [{name: orders}]}]"
    )
    (marts / "order_counts.sql").write_text(
        "select shop_id, count(*) as n from {{ source('shop', 'orders') }} group by 1"
    )
    assert newcomer.dbt("build")
    return newcomer


def test_an_existing_project_gets_what_is_missing_and_keeps_the_rest(existing):
    before = existing.files()
    result = existing.call("init", "--table", "orders", "--yes")
    assert result.exit_code == 0, result.output
    after = existing.files()
    project = after.pop("dbt_project.yml").splitlines()
    kept = iter(project)
    assert all(line in kept for line in before.pop("dbt_project.yml").splitlines())
    assert before.items() <= after.items()

    assert existing.dbt("deps")
    assert existing.dbt("build")
    relations = (
        "select array_agg(part order by part) from ("
        "  select table_schema || '.' || table_name as part"
        "  from information_schema.tables"
        "  where table_schema ~ '^(dbt|analytics)' and table_name !~ 'freshness'"
        "  and table_schema !~ 'orchestrator'"
        ") as parts"
    )
    live = ["analytics.orders_daily", "dbt_reporting.order_counts"]
    assert existing.value(relations) == live
    assert existing.dbt("build", "--target", "anna")
    assert existing.value(relations) == sorted(
        [*live, "dbt_anna.orders_daily", "dbt_anna_reporting.order_counts"]
    )
    existing.ask("delete from shop.orders where id = 4")
    assert existing.answer("refresh", "orders_daily")["rows_changed"] == 1


def test_a_project_of_packages_and_dispatch_is_added_to_or_refused_whole(existing):
    (existing.folder / "packages.yml").write_text(
        "packages:\n  # ours\n  - local: other\n"
    )
    existing.call("init", "--table", "orders", "--yes")
    assert yaml.safe_load(existing.files()["packages.yml"])["packages"] == [
        {"local": "other"},
        {"local": "packages/kpi_engine"},
    ]
    text = f"{PROJECT}\ndispatch:\n  - {{macro_namespace: dbt, search_order: [a, dbt]}}"
    for name in ("packages", "models/shop", "macros", "packages.yml"):
        path = existing.folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (existing.folder / "dbt_project.yml").write_text(text)
    before = existing.files()
    code, sentence = existing.refuse("init", "--table", "orders", "--yes")
    assert code == 2
    assert sentence.startswith("dbt_project.yml dispatches macros already: have the ")
    assert existing.files() == before


def test_a_second_init_brings_the_engine_up_to_date(newcomer):
    assert newcomer.call("init", "--table", "orders", "--yes").exit_code == 0
    engine = newcomer.folder / "packages" / "kpi_engine"
    project = engine / "dbt_project.yml"
    project.write_text(project.read_text().replace("0.1.0", "0.0.9"))
    (engine / "macros" / "gone.sql").write_text("")
    before = newcomer.files()
    result = newcomer.call("init")
    assert "wrote packages/kpi_engine, version 0.1.0" in result.output
    assert "The domains are shop: orchestrator add TABLE" in result.output
    assert not (engine / "macros" / "gone.sql").exists()
    assert newcomer.files() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ordrs",), 'There is no table "ordrs": did you mean shop.orders?'),
        (("suppliers",), "shop.suppliers has no column that says when its rows"),
        (("orders", "--time", "total"), "shop.orders has no column that says when"),
        (("orders", "--time", "at"), "shop.orders has no column at"),
        (
            ("visits", "--tenants", "shops", "--domain", "new"),
            "web.visits has no column that refers to shop.shops",
        ),
        (
            ("charges", "--domain", "new", "--members", "customers"),
            "shop.customers does not say who belongs to which row of billing.accounts",
        ),
        (("orders",), "models/shop/staging/stg_shop__orders.sql is there already"),
    ],
)
def test_what_cannot_be_summarized_is_refused_and_nothing_written(
    newcomer, arguments, sentence
):
    assert newcomer.call("init", "--table", "orders", "--yes").exit_code == 0
    edited = newcomer.folder / "models/shop/staging/stg_shop__orders.sql"
    edited.write_text(edited.read_text() + "-- ours\n")
    before = newcomer.files()
    code, said = newcomer.refuse("add", *arguments)
    assert (code, newcomer.files()) == (2, before)
    assert said.startswith(sentence)


def test_without_a_database_the_project_is_begun_and_says_what_is_missing(newcomer):
    newcomer.environment["PGPORT"] = "1"
    code, sentence = newcomer.refuse("init", "--table", "orders", "--yes")
    assert code == 2
    assert sentence.startswith(
        "The project is begun, but no table was looked at: The database"
    )
    newcomer.environment["PGPORT"] = str(conninfo_to_dict(newcomer.url)["port"])
    assert newcomer.call("init", "--table", "orders", "--yes").exit_code == 0
    assert newcomer.dbt("build")


def test_outside_of_a_project_add_says_how_to_begin_one(newcomer):
    _, sentence = newcomer.refuse("add", "orders")
    assert sentence.endswith("or begin one: orchestrator init.")


def test_a_person_is_asked_what_cannot_be_known(newcomer):
    """At a terminal: each answer has a proposal, which Enter takes."""
    leader, follower = pty.openpty()
    environment = {**os.environ, **newcomer.environment, "PYTHONPATH": str(CHECKOUT)}
    for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR", "DBT_TARGET_PATH"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "orchestrator.cli", "init"]
    with subprocess.Popen(
        command,
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=newcomer.folder,
        env=environment,
        text=True,
    ) as asked:
        answers = "shop.orders\n\n\nEurope/Berlin\nadmins\n"
        os.write(leader, answers.encode())
        said, _ = asked.communicate(timeout=60)
    assert asked.returncode == 0, said
    assert "Which to summarize (names with commas)" in said
    assert "The table of the tenants, or none [shop.shops]" in said
    assert "When a row happened [ordered_at]" in said
    assert "The time zone of days, a column or a name [tz]" in said
    calendar = newcomer.folder / "models/shop/staging/shop_calendar.sql"
    assert "'Europe/Berlin' as timezone" in calendar.read_text()
    assert newcomer.dbt("build")
