"""The doctor says what of a database will not work, and how to fix it."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from workers import until

pytest_plugins = ["projects"]

TRANSACTION_POOLER = ("127.0.0.7", 6543)


PROBLEMS = """
create role visitor login password 'visitor';
alter role visitor set statement_timeout = '2min';
create schema if not exists analytics;
create materialized view analytics.kpi_daily as select 1 as id;
grant usage on schema restaurant to visitor;
grant select, references on all tables in schema restaurant to visitor;
alter table restaurant.orders rename column total_amount to total;
alter table restaurant.calls enable row level security;
drop table restaurant.reservations;
drop index restaurant.calls_account_id_started_at_idx;
update pg_class set reltuples = 50000 where relname = 'calls';
update restaurant.accounts set timezone = 'Mars/Olympus'
where id = (select min(id::text)::uuid from restaurant.accounts);
"""

ROLES = "select array_agg(rolname::text) from pg_roles"


def examine(place):
    result = place.call("doctor", "--json")
    assert result.stdout, result.stderr
    found = json.loads(result.stdout)
    problems = [entry for entry in found if entry["verdict"] == "problem"]
    assert result.exit_code == (1 if problems else 0)
    return found


def findings(found, verdict):
    """What is said of each check, in one text."""
    texts = {}
    for entry in found:
        if entry["verdict"] == verdict:
            before = texts.get(entry["check"], "")
            texts[entry["check"]] = f"{before}{entry['finding']}\n"
    return texts


@contextmanager
def forwarded(url, address):
    """A port that passes everything on to the server, as a pooler would."""
    login = conninfo_to_dict(url)

    async def copy(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def accept(reader, writer):
        server = await asyncio.open_connection(login["host"], login["port"])
        await asyncio.gather(
            copy(reader, server[1]), copy(server[0], writer), return_exceptions=True
        )

    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(accept, *address))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(listening.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_sound_database_is_fine_before_anything_is_built(sources):
    found = examine(sources)
    assert findings(found, "problem") == findings(found, "warning") == {}
    checks = [entry["check"] for entry in found]
    assert {"server", "role", "sources", "indexes", "tables"} <= set(checks)
    assert "nothing is installed here yet" in findings(found, "ok")["tables"]
    assert sources.value("select to_regnamespace('orchestrator')") is None
    assert "A build will work" in sources.call("doctor").stdout


def test_what_is_amiss_is_named_and_mended_by_the_remedies(sources):
    roles = sources.value(ROLES)
    sources.ask(PROBLEMS)
    try:
        sources.write_profile(user="visitor", password="visitor")
        found = examine(sources)
        problems, warnings = findings(found, "problem"), findings(found, "warning")
        assert "visitor may not create the schema orchestrator" in problems["role"]
        assert "the schema analytics is not one of visitor" in problems["role"]
        assert "there is no table restaurant.reservations" in problems["sources"]
        assert "restaurant.orders has no column total_amount" in problems["sources"]
        assert "visitor lacks trigger on 6 tables of restaurant" in problems["sources"]
        assert "visitor may not use the schema community" in problems["sources"]
        assert "Mars/Olympus" in problems["zones"]
        assert "kpi_daily is a materialized view" in problems["tables"]
        assert "statement_timeout is 120 s" in warnings["settings"]
        assert "rows of restaurant.calls" in warnings["sources"]
        assert "no index on (account_id, started_at)" in warnings["indexes"]

        printed = sources.call("doctor")
        assert printed.exit_code == 1
        assert "to be solved before a build" in printed.stdout

        sources.ask("update restaurant.accounts set timezone = 'Asia/Tokyo'")
        sources.ask("alter table restaurant.orders rename total to total_amount")
        sources.ask("create table restaurant.reservations (account_id uuid)")
        for column in ("id", "location_id", "guest_count", "created_at"):
            sources.ask(f"alter table restaurant.reservations add {column} text")
        sources.ask(
            "alter table restaurant.reservations add avg_spend_per_head_override text"
        )
        # One who follows the advice step by step has a sound database in the end.
        for _ in range(2):
            for entry in found:
                if (entry["remedy"] or "").endswith(";"):
                    with psycopg.connect(sources.url, autocommit=True) as connection:
                        connection.execute(entry["remedy"])
            found = examine(sources)
        assert findings(found, "problem") == findings(found, "warning") == {}
    finally:
        sources.ask("alter schema analytics owner to current_user")
        sources.ask("drop owned by visitor cascade")
        for role in set(sources.value(ROLES)) - set(roles):
            sources.ask(f"drop role {role}")


def test_a_connection_that_cannot_work_is_refused_in_words(sources):
    host, port = TRANSACTION_POOLER
    with forwarded(sources.url, TRANSACTION_POOLER):
        sources.write_profile(host=host, port=port)
        assert "port 6543" in findings(examine(sources), "problem")["connection"]
        code, sentence = sources.refuse("run")
        assert code == 1
        assert "session pooler" in sentence

    code, sentence = sources.refuse("doctor")
    assert code == 1
    assert f"{host}:{port} cannot be reached" in sentence
    sources.write_profile(host="db.nowhere.invalid.supabase.co")
    assert "needs IPv6" in sources.refuse("doctor")[1]

    sources.write_profile(autocommit=True)
    assert "autocommit" in findings(examine(sources), "problem")["connection"]


def test_what_the_project_declares_decides_what_is_examined(sources):
    model = sources.use_copy() / "models" / "community" / "kpi_daily.yml"
    text, done = re.subn(
        r"\n( +)meta:\n",
        r"\n\1meta:\n\1  replicated: true\n",
        model.read_text(),
        count=1,
    )
    assert done == 1
    model.write_text(text)
    sources.ask("create publication powersync")
    problems = findings(examine(sources), "problem")
    assert problems == {
        "replication": "tables are to be replicated, and wal_level is replica\n"
    }

    # Of a project that cannot be read, what it needs is not known; the rest is.
    model.write_text("models: [")
    found = examine(sources)
    assert "kpi_daily.yml" in findings(found, "problem")["project"]
    assert "PostgreSQL" in findings(found, "ok")["server"]


def test_rows_from_before_their_tenants_first_day_are_counted(project):
    """A community that was imported has its import's date; its rows are older."""
    community, rows = project.ask(
        "update community.communities set created_at = now() - interval '5 days'"
        " where id = (select community_id from community.access_logs limit 1)"
        " returning communities.id, (select count(*) from community.access_logs"
        " where community_id = communities.id and occurred_at < date_trunc("
        "'day', now() - interval '5 days', timezone))"
    )[0]
    assert rows > 0
    history = findings(examine(project), "warning")["history"]
    assert f"{rows} rows of community.access_logs, the earliest of " in history
    assert project.dbt("test", "-s", "int_community__calendar")
    assert not project.dbt("--warn-error", "test", "-s", "int_community__calendar")

    project.ask(
        "update community.communities set created_at = '2001-01-01' where id = %s",
        community,
    )
    assert "history" not in findings(examine(project), "warning")


POOLER = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listens}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 5
ignore_startup_parameters = extra_float_digits
"""


@contextmanager
def pooled(url, folder, mode):
    """PgBouncer before a server, at the port that this yields."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if program is None:
        missing = "PgBouncer is not installed on this system"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder / "pgbouncer.ini"
    login = conninfo_to_dict(url)
    settings.write_text(POOLER.format(**login, listens=port, mode=mode))
    as_nobody = []
    if os.geteuid() == 0:  # which it refuses to run as
        shutil.chown(folder, "nobody")
        shutil.chown(settings, "nobody")
        as_nobody = ["-u", "nobody"]
    with subprocess.Popen(
        [program, "-q", *as_nobody, settings], stderr=subprocess.DEVNULL
    ) as pooler:
        try:
            until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
            yield port
        finally:
            pooler.terminate()


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_transaction_pooler_is_known_by_what_it_does(sources, mode):
    """Whatever its port; one that pools sessions serves."""
    with pooled(sources.url, sources.folder, mode) as port:
        sources.write_profile(host="127.0.0.1", port=port)
        if mode == "session":
            assert findings(examine(sources), "problem") == {}
            assert sources.call("run").exit_code == 0
            return
        for command in ("doctor", "run", "status"):
            code, sentence = sources.refuse(command)
            assert code == 1
            assert f"127.0.0.1:{port} is a transaction pooler" in sentence, command
