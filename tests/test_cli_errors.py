"""What cannot work is said in one sentence, with the right exit code."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["projects"]

COMMANDS = [["status"], ["run"], ["refresh", "kpi_daily"]]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])


def has_schema(place, name):
    return place.value("select to_regnamespace(%s) is not null", name)


@every_command
def test_a_wrong_password(empty, command):
    empty.write_profile(password="wrong")
    code, sentence = empty.refuse(*command)
    assert code == 1
    assert "password authentication failed" in sentence
    assert f"target test in {empty.folder}/profiles.yml" in sentence
    assert not has_schema(empty, "orchestrator")


@every_command
def test_a_database_that_does_not_exist(empty, command):
    empty.write_profile(dbname="nowhere")
    code, sentence = empty.refuse(*command)
    assert code == 1
    assert 'database "nowhere" does not exist' in sentence


def test_a_host_where_nobody_listens(empty):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    empty.write_profile(port=port)
    code, sentence = empty.refuse("status")
    assert code == 1
    assert f"127.0.0.1:{port} cannot be reached: " in sentence
    assert "refused" in sentence


def test_a_host_that_does_not_exist(empty):
    empty.write_profile(host="nowhere.invalid")
    code, sentence = empty.refuse("status")
    assert code == 1
    assert "nowhere.invalid" in sentence


def test_a_server_that_is_too_old(sources):
    # The oldest server at hand is not, so the database says it is.
    name = sources.value("select quote_ident(current_database())")
    sources.ask("create schema older")
    sources.ask(
        """
        create function older.current_setting(text) returns text language sql
        return case $1
            when 'server_version_num' then '140011'
            when 'server_version' then '14.11'
            else pg_catalog.current_setting($1)
        end
        """
    )
    sources.ask(f"alter database {name} set search_path = older, pg_catalog, public")
    code, sentence = sources.refuse("run")
    assert code == 1
    assert "This database is PostgreSQL 14.11" in sentence
    assert "needs 15 or newer" in sentence
    assert not sentence.endswith(")")
    assert sources.value("select to_regclass('analytics.kpi_daily')") is None


def test_a_profile_that_does_not_exist(empty):
    (empty.folder / "profiles.yml").unlink()
    code, sentence = empty.refuse("status")
    assert code == 1
    assert "Could not find profile named 'kpi_summaries'" in sentence
    assert sentence.endswith(f": there is no {empty.folder}/profiles.yml.")

    empty.write_profile()
    code, sentence = empty.refuse("status", "--profile", "mine")
    assert code == 1
    assert "'mine'" in sentence


def test_a_target_that_does_not_exist(empty):
    code, sentence = empty.refuse("status", "--target", "moon")
    assert code == 1
    assert "'moon'" in sentence
    assert "test" in sentence


@pytest.mark.parametrize("setting", ["password", "dbname"])
def test_an_environment_variable_that_is_not_set(empty, setting):
    empty.write_profile(**{setting: "{{ env_var('NO_SUCH_VARIABLE') }}"})
    code, sentence = empty.refuse("status")
    assert code == 1
    assert "NO_SUCH_VARIABLE" in sentence


def test_a_database_of_another_kind(empty):
    empty.write_profile(type="oracle")
    code, sentence = empty.refuse("status")
    assert code == 1
    assert "oracle" in sentence


@every_command
def test_vars_that_are_not_yaml(empty, command):
    code, sentence = empty.refuse(*command, "--vars", "{domains: [")
    assert code == 2
    assert "--vars" in sentence


def test_a_folder_that_is_no_project(empty, tmp_path):
    code, sentence = empty.refuse("status", "--project-dir", str(tmp_path))
    assert code == 2
    assert f"{tmp_path} is no dbt project" in sentence


def test_nothing_was_built_yet(sources):
    for command in (["status"], ["refresh", "kpi_daily"]):
        code, sentence = sources.refuse(*command)
        assert code == 1
        assert "has no summary tables yet" in sentence
        assert "orchestrator run" in sentence


def test_a_source_table_that_is_missing(sources):
    sources.ask("drop table restaurant.orders")
    code, sentence = sources.refuse("run")
    assert code == 1
    assert "There is no source table restaurant.orders." in sentence
    assert sources.value("select to_regclass('analytics.metrics_daily')") is None


def test_a_cadence_that_makes_no_sense(sources):
    model = sources.use_copy() / "models" / "community" / "kpi_daily.yml"
    text = model.read_text()
    assert 'at: "01:00"' in text
    model.write_text(text.replace('at: "01:00"', 'at: "25:00"'))
    code, sentence = sources.refuse("run")
    assert code == 1
    assert "kpi_daily: meta.cadence has at: 25:00" in sentence
    assert "kpi_daily.yml" in sentence
    assert "macro" not in sentence
    assert sources.value("select to_regclass('analytics.kpi_daily')") is None


def test_a_project_that_is_no_yaml(sources):
    project = sources.use_copy() / "dbt_project.yml"
    project.write_text(project.read_text().replace("name: ", "name: [", 1))
    code, sentence = sources.refuse("run")
    assert code == 1
    assert "Syntax error near line" in sentence
    assert "profiles.yml" not in sentence


def test_a_model_that_cannot_be_compiled(sources):
    model = sources.use_copy() / "models" / "community" / "kpi_daily.sql"
    model.write_text(model.read_text().replace("{{ ", "{{ no_such_macro() }}{{ ", 1))
    code, sentence = sources.refuse("run")
    assert code == 1
    assert "no_such_macro" in sentence
    assert "models/community/kpi_daily.sql" in sentence


def test_a_login_that_may_not_create_anything(sources):
    name = sources.value("select quote_ident(current_database())")
    role = f"guest_of_{name}"
    sources.ask(f"create role {role} login password 'guest'")
    try:
        sources.write_profile(user=role, password="guest")
        code, sentence = sources.refuse("run")
        assert code == 1
        assert "permission denied" in sentence
    finally:
        sources.ask(f"drop role {role}")


def test_an_unknown_command():
    answer = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "freshen"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert "freshen" in answer.stderr


@pytest.mark.parametrize("file", ["profiles.yml", "dbt_project.yml"])
def test_a_file_that_is_not_utf_8(empty, file):
    folder = empty.folder if file == "profiles.yml" else empty.use_copy()
    (folder / file).write_bytes(b"name: caf\xe9\n")
    code, sentence = empty.refuse("status")
    assert code in (1, 2)
    assert file in sentence
    assert "UTF-8" in sentence


def test_a_port_that_is_no_number(empty, monkeypatch):
    empty.write_profile(port="{{ env_var('PGPORT') | int }}")
    monkeypatch.setenv("PGPORT", "abc")
    code, sentence = empty.refuse("status")
    assert (code, sentence) == (
        2,
        "PGPORT is 'abc', and the profile wants a number of it.",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audit", "--sample", "99999999999999"], "1<=x<=2147483647"),
        (["audit", "--sample", "-1"], "1<=x<=2147483647"),
        (["demo", "--scale", "nan"], "nan is not a number"),
        (["demo", "--scale", "inf"], "0<x<=1000"),
        (["demo", "--scale", "1e9"], "0<x<=1000"),
        (["demo", "--seed", "99999999999999"], "0<=x<=2147483647"),
        (["worker", "--poll-interval", "nan"], "nan is not a number"),
        (["status", "--watch", "inf"], "0.1<=x<=86400"),
        (["run", "--vars", "caf\udce9: 1"], "not UTF-8"),
        (["run", "--vars", "domains: 5"], "A var is a int"),
    ],
)
def test_a_value_that_makes_no_sense(empty, arguments, said):
    code, sentence = empty.refuse(*arguments)
    assert code in (1, 2)
    assert said in sentence


def test_a_disk_that_is_full_behind_the_output(project):
    with Path("/dev/full").open("w") as full:
        called = subprocess.run(
            [
                sys.executable,
                "-c",
                "from orchestrator.cli import main; main()",
                "status",
            ],
            env=os.environ | project.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert called.returncode == 1
    assert called.stderr == (
        "Error: The output cannot be written or read: No space left on device.\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        ["refresh", "kpi_daily"],
        ["audit", "kpi_daily"],
        ["run"],
        ["access", "check"],
        ["access", "apply"],
        ["pause", "kpi_daily", "--for", "1 hour", "--reason", "x"],
        ["backfill", "kpi_daily", "--from", "2026-01-01"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_server_that_takes_no_changes(project, command):
    """As a standby is; what only reads works there."""
    name = project.value("select quote_ident(current_database())")
    project.ask(f"alter database {name} set default_transaction_read_only = on")
    try:
        code, sentence = project.refuse(*command)
        assert code == 1
        assert sentence.startswith("This server takes no changes: it is a standby")
        assert project.call("status").exit_code == 0
    finally:
        project.ask(
            "begin read write;"
            f" alter database {name} reset default_transaction_read_only; commit"
        )


def test_dbt_compiles_on_a_database_where_nothing_is_installed(sources):
    assert sources.dbt("compile", "--select", "kpi_daily")
    assert not has_schema(sources, "orchestrator")
