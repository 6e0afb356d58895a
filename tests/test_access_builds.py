"""At no moment of a build can a client read a row that is not theirs."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import psycopg
import pytest
from clients import Client
from projects import CHECKOUT, fill, named_database, workplace

from kpi_demo.source_data import ALL

pytest_plugins = ["projects"]

READ = (
    "select count(*), count(*) filter (where account_id <> all(%s)) from analytics.{}"
)
# What dbt calls a table while it makes it, and the one it replaces.
NAMES = ("metrics_daily", "metrics_daily__dbt_tmp", "metrics_daily__dbt_backup")


class Poller:
    """Clients that read a table again and again, until they are stopped."""

    def __init__(self, clients):
        self.foreign = []
        self.reads = Counter()
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self.poll, args=(who, *client))
            for who, client in clients.items()
        ]

    def poll(self, who, client, tenants):
        with client.session() as connection:
            while not self.stopping.wait(0.003):
                for name in NAMES:
                    self.read(connection, who, client, tenants, name)

    def read(self, connection, who, client, tenants, name):
        connection.rollback()
        client.appear(connection)
        try:
            ((rows, foreign),) = connection.execute(
                READ.format(name), [tenants]
            ).fetchall()
        except psycopg.Error as error:
            self.reads[who, type(error).__name__] += 1
            return
        self.reads[who, "rows" if rows else "nothing"] += 1
        if foreign:
            self.foreign.append((who, name, foreign))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def kill_while_it_builds(place):
    """Kill dbt outright while its transaction has written the table again."""
    environment = {**os.environ, **place.environment}
    full_refresh = ["run", "--full-refresh", "-s", "metrics_daily"]
    dbt = subprocess.Popen(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", *full_refresh],
        env=environment,
        start_new_session=True,
    )
    with psycopg.connect(place.url, autocommit=True) as watching:
        for _ in range(6000):
            ((waiting,),) = watching.execute(
                "select count(*) from pg_stat_activity"
                " where datname = current_database() and application_name = 'dbt'"
                " and wait_event_type = 'Lock' and query like '%rename to%'"
            ).fetchall()
            if waiting or dbt.poll() is not None:
                break
            time.sleep(0.01)
    assert dbt.poll() is None
    os.killpg(dbt.pid, signal.SIGKILL)
    dbt.wait()


def test_a_client_that_polls_reads_its_own_rows_or_an_error(sources):
    place = sources
    place.use_copy()
    # Whatever is made again is everybody's to read, but for what a build does.
    place.ask(
        "do $$ begin"
        " if to_regrole('anon') is null then create role anon; end if;"
        " if to_regrole('authenticated') is null then"
        " create role authenticated; end if; end $$;"
        " alter default privileges grant all on tables to anon, authenticated"
    )
    ((account, user),) = place.ask(
        "select account_id, user_id from restaurant.account_members"
        " order by account_id limit 1"
    )
    mine = [
        tenant
        for (tenant,) in place.ask(
            "select account_id from restaurant.account_members where user_id = %s",
            user,
        )
    ]
    assert account in mine
    clients = {
        "member": (Client(place, "authenticated", {"sub": str(user)}), mine),
        "stranger": (Client(place, "authenticated", {}), []),
        "anon": (Client(place, "anon", {"sub": str(user)}), []),
    }
    model = place.folder / "project" / "models" / "restaurant" / "metrics_daily"
    build = ("run", "-s", "+metrics_daily")
    with Poller(clients) as poller:
        assert place.dbt("run", "--empty", "-s", "+metrics_daily")
        # A table without rows is as closed as any.
        assert place.ask(
            "select relrowsecurity, relforcerowsecurity, relacl::text ~ 'anon'"
            " from pg_class where oid = 'analytics.metrics_daily'::regclass"
        ) == [(True, True, False)]
        assert place.dbt(*build)
        assert place.count("metrics_daily") > len(mine)
        assert place.dbt(*build, "--full-refresh")
        # A column more, in place.
        sql, yaml = model.with_suffix(".sql"), model.with_suffix(".yml")
        written = sql.read_text()
        sql.write_text(
            written.replace("now() as computed_at", "7 as more, now() as computed_at")
        )
        assert sql.read_text() != written
        text = yaml.read_text()
        column = "      - {name: more, data_type: integer, description: Seven.}\n"
        named = re.search(r"^      - name: computed_at\n", text, re.MULTILINE)
        assert named
        yaml.write_text(text[: named.start()] + column + text[named.start() :])
        assert place.dbt(*build)
        assert place.value("select min(more) from analytics.metrics_daily") == 7
        # A full refresh that fails after it has made the table.
        yaml.write_text(
            yaml.read_text().replace(
                "    data_tests:",
                "      - {type: check, expression: more = 8}\n    data_tests:",
                1,
            )
        )
        assert not place.dbt(*build, "--full-refresh")
        yaml.write_text(text[: named.start()] + column + text[named.start() :])
        with psycopg.connect(place.url) as blocking:
            # At the rename the build waits for this reader, and is killed there.
            blocking.execute("select from analytics.metrics_daily")
            kill_while_it_builds(place)
        assert place.dbt(*build)
    assert poller.foreign == []
    assert poller.reads["member", "rows"] > 10
    assert poller.reads["stranger", "nothing"] > 10
    assert ("anon", "rows") not in poller.reads
    assert ("stranger", "rows") not in poller.reads


@pytest.fixture
def modest(server, whole_installation):
    """Every domain's sources, and a role that is no superuser, as documented."""
    administration = (CHECKOUT / "docs" / "access.md").read_text()
    (script,) = re.findall(
        r"```sql\n(create role kpi_owner.*?)```", administration, re.S
    )
    roles = ("anon", "authenticated", "service_role")
    with named_database(server, "app", "template1") as url:
        fill(url, ALL)
        with psycopg.connect(url, autocommit=True) as connection:
            present = {
                name for (name,) in connection.execute("select rolname from pg_roles")
            }
            for statement in script.strip().split(";\n"):
                made = re.match(r"create role (\w+)", statement)
                if made and made[1] in present & {*roles}:
                    continue
                domains = ALL if "community" in statement else [""]
                for domain in domains:
                    connection.execute(statement.replace("community", domain))
            # The made-up sources have a type of the summaries' own schema.
            connection.execute("alter schema analytics owner to kpi_owner")
            connection.execute("alter domain analytics.money_amount owner to kpi_owner")
        with workplace(url, whole_installation) as place:
            place.environment["DBT_TARGET_PATH"] = str(place.folder / "target")
            place.write_profile(user="kpi_owner", password="choose one")
            yield place
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("drop role kpi_owner")


def test_the_whole_project_runs_as_a_role_that_is_no_superuser(modest):
    place = modest
    built = place.answer("run")
    assert {run["status"] for run in built} == {"success"}
    assert place.ask(
        "select distinct pg_get_userbyid(relowner), relforcerowsecurity from pg_class"
        " where relkind = 'r' and (relnamespace = 'analytics'::regnamespace"
        " or relname like 'int\\_%')"
    ) == [("kpi_owner", True)]
    assert place.ask(
        "select rolsuper or rolbypassrls or rolcreaterole from pg_roles"
        " where rolname = 'kpi_owner'"
    ) == [(False,)]
    checked = place.call("access", "check")
    assert checked.exit_code == 0, checked.output
    # What it builds it reads, tests and refreshes, too.
    assert place.dbt("test", "-s", "kpi_daily", "metrics_daily", "safety_events")
    place.ask(
        "delete from community.access_logs where id in"
        " (select id from community.access_logs order by occurred_at limit 5)"
    )
    assert place.answer("refresh", "kpi_daily")["rows_changed"] > 0
    admin = Client(place, "authenticated", {"app_metadata": {"role": "admin"}})
    assert len(admin.does("select * from analytics.kpi_daily")) > 0
    assert admin.does("select status from analytics.refresh('kpi_daily')") == [
        ("success",)
    ]

    # The application protects a table: its rows are hidden, not gone.
    rows = place.ask("select * from analytics.metrics_daily order by 1, 2, 3")
    place.ask("alter table restaurant.calls enable row level security")
    place.ask("select orchestrator.request('metrics_daily')")
    code, sentence = place.refuse("refresh", "metrics_daily")
    assert code == 1
    remedy = (
        "create policy kpi_engine on restaurant.calls for select to kpi_owner"
        " using (true)"
    )
    assert "Row-level security of restaurant.calls may hide rows" in sentence
    assert remedy in sentence
    assert place.ask("select * from analytics.metrics_daily order by 1, 2, 3") == rows
    assert place.call("run", "-s", "metrics_daily").exit_code == 1
    code, sentence = place.refuse("audit", "metrics_daily")
    assert "Row-level security of restaurant.calls may hide rows" in sentence
    ((message, is_open),) = place.ask(
        "select message, closed_at is null from orchestrator.alert_incidents"
        " where model = 'restaurant.calls' and kind = 'hidden'"
    )
    assert is_open
    assert remedy in message
    # What a tenant may see is not all; neither is all, but for some.
    place.ask(
        "create policy own on restaurant.calls using (account_id is null);"
        f" {remedy}; create policy few on restaurant.calls as restrictive"
        " using (false)"
    )
    place.refuse("refresh", "metrics_daily")
    place.ask("drop policy few on restaurant.calls")
    assert place.answer("refresh", "metrics_daily")["status"] == "success"
    assert place.ask("select * from analytics.metrics_daily order by 1, 2, 3") == rows
    place.ask("select orchestrator.watch()")
    assert (
        place.ask(
            "select 1 from orchestrator.alert_incidents"
            " where kind = 'hidden' and closed_at is null"
        )
        == []
    )
