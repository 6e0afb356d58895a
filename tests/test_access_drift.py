"""`orchestrator access`: what was changed by hand is found, listed and repaired."""

import pytest
from clients import REFUSED, Client
from projects import Workplace

pytest_plugins = ["projects"]

# Each by hand, and what is said of it.
DRIFT = {
    "alter policy readers on analytics.kpi_daily using (true)": (
        'Policy "readers" of analytics.kpi_daily is not as declared.'
    ),
    "alter policy readers on analytics.kpi_weekly to public": (
        'Policy "readers" of analytics.kpi_weekly is not as declared.'
    ),
    "drop policy readers on analytics.metrics_daily": (
        'Policy "readers" of analytics.metrics_daily is missing.'
    ),
    "create policy more on analytics.metrics_daily to authenticated using (true)": (
        'Policy "more" of analytics.metrics_daily is declared nowhere.'
    ),
    "alter table analytics.kpi_monthly disable row level security": (
        "Row-level security of analytics.kpi_monthly is off."
    ),
    "alter table analytics.kpi_weekly no force row level security": (
        "Row-level security of analytics.kpi_weekly does not bind its owner."
    ),
    "grant select on analytics.kpi_daily to anon": (
        "Table analytics.kpi_daily lets anon select, which nobody declares."
    ),
    "grant truncate on analytics.kpi_daily to authenticated": (
        "Table analytics.kpi_daily lets authenticated truncate, which nobody declares."
    ),
    "grant update on analytics.kpi_monthly to public": (
        "Table analytics.kpi_monthly lets public update, which nobody declares."
    ),
    "grant select (total_entries) on analytics.kpi_weekly to anon": (
        "Column total_entries of analytics.kpi_weekly lets anon select, which nobody "
        "declares."
    ),
    "revoke select on analytics.kpi_weekly from authenticated": (
        "Table analytics.kpi_weekly does not let authenticated select."
    ),
    'grant select on analytics.kpi_weekly to "kpi test spy" with grant option': (
        "Table analytics.kpi_weekly lets kpi test spy select, which nobody declares."
    ),
    "grant usage on schema analytics to anon": (
        "Schema analytics lets anon use, which nobody declares."
    ),
    "grant usage on schema orchestrator to authenticated": (
        "Schema orchestrator lets authenticated use, which nobody declares."
    ),
    "grant select on orchestrator.job_runs to service_role": (
        "Relation orchestrator.job_runs lets service_role select, which nobody "
        "declares."
    ),
    "grant select (model) on orchestrator.models to anon": (
        "Column model of orchestrator.models lets anon select, which nobody declares."
    ),
    "alter table analytics.kpi_monthly owner to authenticated": (
        "Table analytics.kpi_monthly is owned by authenticated."
    ),
    "grant execute on function analytics.refresh to public": (
        "Function analytics.refresh(text) lets public execute, which nobody declares."
    ),
    "grant execute on function orchestrator.caller_id to authenticated": (
        "Function orchestrator.caller_id() lets authenticated execute, which nobody "
        "declares."
    ),
    "create function analytics.tell() returns bigint language sql security definer"
    " as 'select count(*) from analytics.kpi_daily'": (
        "Function analytics.tell() looks for types and tables where its caller may "
        "put others."
    ),
    "create or replace function analytics.is_admin() returns boolean language sql"
    " stable set search_path = '' as 'select true'": (
        "Function analytics.is_admin() is not as it was installed."
    ),
    "create or replace function analytics.readable_community_ids() returns setof uuid"
    " language sql stable set search_path = '' as"
    " 'select id from community.communities'": (
        "Function analytics.readable_community_ids() is not as it was installed."
    ),
    "alter view analytics.data_freshness reset (security_invoker)": (
        "View analytics.data_freshness reads with its owner's rights."
    ),
    "create view analytics.all_days as select * from analytics.kpi_daily;"
    " grant select on analytics.all_days to authenticated": (
        "Relation analytics.all_days lets authenticated select, which nobody declares "
        "in this project."
    ),
    "alter default privileges in schema analytics grant select on tables to anon": (
        "What postgres makes in schema analytics from now on lets anon select."
    ),
    "alter table analytics.metrics_daily replica identity full": (
        "The replica identity of analytics.metrics_daily is not its primary key."
    ),
}


@pytest.fixture
def spies(project):
    """Roles that are the server's, which go afterwards."""
    names = '"kpi test spy", kpi_test_ghost'
    drop = "drop role if exists "
    project.ask(drop + names)
    project.ask('create role "kpi test spy"')
    project.ask("create role kpi_test_ghost login bypassrls")
    yield project
    project.ask(f"drop owned by {names}")
    project.ask(drop + names)


def said(place: Workplace) -> list[str]:
    """What `access check` says, line by line; it fails where that is anything."""
    result = place.call("access", "check")
    assert result.exit_code in (0, 1), result.stderr
    *findings, last = result.stdout.splitlines()
    if result.exit_code == 0:
        assert (findings, last) == ([], "Access is as the models declare.")
    elif last != "To fix what can be: orchestrator access apply":
        findings.append(last)
    return findings


def test_every_drift_is_found_and_repaired(spies):
    project = spies
    assert said(project) == []
    for statement in DRIFT:
        project.ask(statement)
    findings = said(project)
    assert [line for line in DRIFT.values() if line not in findings] == []
    # And it shows when it is tried.
    for line in (
        "A user who calls themselves admin reads",
        "A user of no tenant reads",
        "A platform admin reads no row of analytics.kpi_weekly and should read",
    ):
        assert any(finding.startswith(line) for finding in findings), line
    assert any("that are of other tenants" in finding for finding in findings)

    repaired = project.call("access", "apply")
    assert repaired.exit_code == 0, repaired.stderr
    assert [line for line in DRIFT.values() if line not in repaired.stdout] == []
    assert said(project) == []
    assert project.call("access", "apply").stdout == "Nothing differed.\n"
    stranger = Client(project, "authenticated", {"user_metadata": {"role": "admin"}})
    assert stranger.does("select * from analytics.kpi_daily") == []
    assert stranger.does("select analytics.tell()") == REFUSED


def test_roles_that_could_pass_by_the_policies_are_named(spies):
    project = spies
    project.ask('grant service_role to "kpi test spy"')
    project.ask("grant select on all tables in schema analytics to kpi_test_ghost")
    project.ask("grant pg_read_all_data to kpi_test_ghost")
    project.call("access", "apply")
    findings = said(project)
    assert (
        'Role "kpi test spy" may act as service_role: revoke service_role from '
        '"kpi test spy", or name it in the var trusted_roles.'
    ) in findings
    assert any(
        finding.startswith("Role kpi_test_ghost may read")
        and "alter role kpi_test_ghost nobypassrls" in finding
        for finding in findings
    )
    project.use_copy()
    trusted = '{"trusted_roles": ["kpi test spy", "kpi_test_ghost"]}'
    result = project.call("access", "check", "--vars", trusted)
    assert result.exit_code == 0, result.stdout


def test_a_build_repairs_what_it_builds(project):
    project.ask("alter policy readers on analytics.metrics_daily using (true)")
    project.ask("grant all on analytics.metrics_daily to anon, public")
    project.ask("grant usage on schema analytics, orchestrator to anon")
    project.ask("alter table analytics.metrics_daily owner to authenticated")
    tables = (
        "select oid, relfilenode from pg_class where relkind = 'r'"
        " and relnamespace = 'analytics'::regnamespace order by oid"
    )
    before = project.ask(tables)
    project.answer("run", "-s", "metrics_daily")
    assert said(project) == []
    assert project.ask(tables) == before


def test_a_build_that_finds_everything_as_declared_writes_no_catalog(project):
    project.answer("run")
    rows = (
        "select (select array_agg((oid, xmin::text)) from pg_policy),"
        " (select array_agg((oid, xmin::text) order by oid) from pg_class"
        "  where relnamespace = 'analytics'::regnamespace),"
        " (select array_agg((oid, xmin::text) order by oid) from pg_proc"
        "  where pronamespace = 'analytics'::regnamespace)"
    )
    policies, _, functions = project.ask(rows)[0]
    project.answer("run")
    again, _, functions_again = project.ask(rows)[0]
    assert again == policies
    assert functions_again == functions


def test_an_installation_from_before_gets_its_policies_at_the_next_build(project):
    project.ask(
        "drop policy readers on analytics.metrics_daily;"
        " drop policy owner on analytics.metrics_daily;"
        ' drop policy "service_role select" on analytics.metrics_daily;'
        " alter table analytics.metrics_daily no force row level security;"
        " revoke all on analytics.metrics_daily from authenticated, service_role;"
        " drop table orchestrator.access, orchestrator.access_functions"
    )
    project.ask("comment on schema orchestrator is 'kpi_engine runtime before'")
    project.answer("run", "-s", "metrics_daily")
    assert said(project) == []


def edit(place: Workplace, path: str, old: str, new: str) -> None:
    """Write `new` for `old` in a file of this test's own copy of the project."""
    file = place.use_copy() / path
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ("access: null", "metrics_daily declares no meta.access, and without one"),
        (
            "access: {readers: everybody}",
            'has meta.access.readers "everybody": it must be members, admins,',
        ),
        (
            "access: {readers: admins, roles: {anon: [select]}}",
            "has meta.access.roles.anon, which everybody on the internet has",
        ),
        (
            "access: {readers: members, tenant: date}",
            "metrics_daily: date, which says whose a row is, has the type date. It",
        ),
    ],
)
def test_a_table_without_a_sound_declaration_is_not_built(sources, declared, sentence):
    edit(
        sources,
        "models/restaurant/metrics_daily.yml",
        "      meta:\n",
        f"      meta:\n        {declared}\n",
    )
    _, refusal = sources.refuse("run", "-s", "metrics_daily")
    assert sentence in refusal
    assert refusal.endswith("restaurant/metrics_daily.yml.")
    assert sources.value("select to_regclass('analytics.metrics_daily')") is None


def test_a_model_that_no_policy_can_protect_is_not_published(sources):
    copy = sources.use_copy()
    model = copy / "models" / "restaurant" / "every_call.sql"
    model.write_text(
        "{{ config(materialized='table', contract={'enforced': false}) }}"
        " select * from {{ ref('stg_restaurant__calls') }}"
    )
    assert not sources.dbt("run", "-s", "every_call")
    assert sources.value("select to_regclass('analytics.every_call')") is None


def test_a_database_of_before_is_told_what_to_do(project):
    project.ask("drop function orchestrator.undeclared_differences")
    _, sentence = project.refuse("access", "check")
    assert sentence.endswith("run 'orchestrator access apply'.")
    project.ask("comment on schema orchestrator is 'before'")
    assert project.call("access", "apply").exit_code == 0
    assert said(project) == []
