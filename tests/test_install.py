"""What this project makes in a database, and that all of it goes again."""

import json

import psycopg

pytest_plugins = ["projects"]

TRIGGERS = (
    "select count(*) from pg_trigger where tgname like 'orchestrator\\_capture\\_%'"
)
ROWS = (
    "select md5(string_agg(kpi_daily::text, '' order by id)) from analytics.kpi_daily"
)


def read_as(place, user):
    """The communities whose days a user reads."""
    claims = json.dumps({"sub": str(user), "role": "authenticated"})
    with psycopg.connect(place.url) as connection:
        connection.execute("set local role authenticated")
        connection.execute(
            "select set_config('request.jwt.claims', %s, true)", [claims]
        )
        found = connection.execute("select community_id from analytics.kpi_daily")
        return {community for (community,) in found}


def test_an_installation_is_rehearsed_made_upgraded_and_then_left_alone(sources):
    rehearsed = sources.call("install", "--dry-run")
    assert rehearsed.exit_code == 0, rehearsed.stderr
    for made in (
        "create table if not exists orchestrator.refresh_queue",
        "insert into orchestrator.models",
        "select orchestrator.look_at_source('restaurant.orders', true, true)",
    ):
        assert made in rehearsed.stdout
    assert sources.value("select to_regnamespace('orchestrator')") is None

    made = sources.call("install")
    assert made.exit_code == 0, made.stderr
    assert "orchestrator run" in made.stdout
    triggers = sources.value(TRIGGERS)
    assert triggers > 0
    assert sources.call("install", "--dry-run").stdout == ""

    sources.ask("comment on schema orchestrator is 'kpi_engine runtime of old'")
    sources.ask("drop trigger orchestrator_capture_insert on restaurant.orders")
    sources.ask('update orchestrator.models set cadence = \'{"every": "hour"}\'')
    done = [step["hook"] for step in sources.answer("install")]
    assert done[:2] == ["install_runtime", "declare_models"]
    assert sources.value(TRIGGERS) == triggers
    again = sources.call("install")
    assert again.stdout == "Everything is installed as the project has it.\n"


def test_an_installation_needs_the_source_tables(empty):
    code, sentence = empty.refuse("install")
    assert code == 1
    assert sentence.startswith("There is no source table community.access_logs")


def test_an_uninstallation_leaves_the_tables_to_their_readers(project):
    user, stranger = (
        project.value(
            "select user_id from community.community_members"
            " group by user_id having bool_or(role = 'admin') = %s order by 1 limit 1",
            is_admin,
        )
        for is_admin in (True, False)
    )
    own = {
        community
        for (community,) in project.ask(
            "select community_id from community.community_members"
            " where user_id = %s and role = 'admin'",
            user,
        )
    }
    before, days = project.value(ROWS), project.count("kpi_daily")
    assert read_as(project, user) == own

    # Someone else's objects: what needs ours keeps all of it.
    project.ask(
        "create view public.gates as"
        " select count(*) as gates from orchestrator.stg_community__access_logs"
    )
    code, sentence = project.refuse("uninstall", "--yes")
    assert code == 1
    assert sentence.startswith(
        "Nothing was removed: the view public.gates needs what would go."
    )
    assert project.value(TRIGGERS) > 0
    project.ask("drop view public.gates")
    project.ask(
        "create function analytics.of_the_house() returns integer"
        " language sql as 'select 1'"
    )
    asked = project.call("uninstall")
    assert asked.exit_code == 1
    assert "4 summary tables stay" in asked.stderr
    assert project.value(TRIGGERS) > 0

    removed = project.answer("uninstall", "--yes")
    assert {entry["kind"] for entry in removed if not entry["kept"]} == {
        "function",
        "procedure",
        "table",
        "trigger",
        "view",
    }
    (kept,) = (entry["names"] for entry in removed if entry["kept"])
    assert "analytics.kpi_daily" in kept
    assert project.value("select to_regnamespace('orchestrator')") is None
    assert project.value(TRIGGERS) == 0
    assert (
        project.ask(
            "select proname from pg_proc where prosrc ~ 'orchestrator\\.'"
            " union all select proname from pg_proc"
            " where pronamespace = 'analytics'::regnamespace"
            " and has_function_privilege('anon', oid, 'execute')"
            " and proname <> 'of_the_house'"
        )
        == []
    )
    assert project.value("select analytics.of_the_house()") == 1
    assert project.value(ROWS) == before
    assert read_as(project, user) == own
    assert read_as(project, stranger) == set()
    project.ask("update community.access_logs set decision = decision where id = 1")
    assert project.answer("uninstall", "--yes") == []

    # And back again, over the tables that stayed.
    runs = {run["model"]: run for run in project.answer("run")}
    assert (runs["kpi_daily"]["periods"], runs["kpi_daily"]["rows_changed"]) == (
        days,
        0,
    )
    assert read_as(project, user) == own


def test_an_uninstallation_drops_the_tables_when_it_is_told_to(project):
    orders = project.value("select sum(total_amount) from restaurant.orders")
    project.ask(
        "create table public.notes ("
        "    day uuid references analytics.kpi_daily (id) on delete cascade"
        ")"
    )
    code, sentence = project.refuse("uninstall", "--drop-tables", "--yes")
    assert code == 1
    assert "notes_day_fkey on public.notes" in sentence
    assert project.count("kpi_daily") > 0
    project.ask("drop table public.notes")

    removed = project.answer("uninstall", "--drop-tables", "--yes")
    assert not any(entry["kept"] for entry in removed)
    assert (
        project.ask(
            "select relname from pg_class"
            " where relnamespace::regnamespace::text in ('analytics', 'orchestrator')"
            " union all select proname from pg_proc"
            " where pronamespace::regnamespace::text in ('analytics', 'auth')"
        )
        == []
    )
    # Source columns are of a type of ours, which stays for their sake.
    assert project.value("select sum(total_amount) from restaurant.orders") == orders


def test_an_uninstallation_leaves_no_right_on_a_schema_that_stays(project):
    project.ask("create table analytics.notes (id integer)")
    project.answer("uninstall", "--drop-tables", "--yes")
    assert (
        project.ask(
            "select rolname from pg_roles"
            " where rolname in ('authenticated', 'service_role')"
            " and has_schema_privilege(oid, 'analytics', 'usage')"
        )
        == []
    )
