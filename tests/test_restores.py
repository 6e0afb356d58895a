"""Copies that pg_dump makes, whole or in part, by this role or another."""

import subprocess

import pytest
from projects import Workplace
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from servers import temporary_database, temporary_folder

from kpi_demo.binaries import embedded_binaries

pytest_plugins = ["projects"]

CALL = """
    insert into restaurant.calls (
        account_id, location_id, call_type, status, started_at
    )
    select account_id, id, 'order', 'completed', now() - interval '2 days'
    from restaurant.locations order by id limit 1
"""
CALLS = "select sum(total_calls) from analytics.metrics_daily"


@pytest.fixture
def restored(project, server):
    """Another database with a workplace of its own, and what fills it from a dump."""
    programs = embedded_binaries()
    with temporary_database(server) as url, temporary_folder() as folder:
        place = Workplace(url, folder, project.installation)

        def restore(*options, role=None):
            dumped = subprocess.run(
                [programs / "pg_dump", *options, project.url],
                capture_output=True,
                check=True,
            ).stdout
            target = make_conninfo(
                url, **({"options": f"-c role={role}"} if role else {})
            )
            loaded = subprocess.run(
                [programs / "psql", "--quiet", "--no-psqlrc", target],
                input=dumped,
                capture_output=True,
                check=True,
            )
            return loaded.stderr.decode()

        place.restore = restore
        yield place


def doctors_problems(place):
    return place.call("doctor", "--json").stdout


def test_a_copy_whose_data_come_after_its_schema_goes_on(project, restored):
    restored.restore("--schema-only")
    code, sentence = restored.refuse("status")
    assert code == 1
    assert "has no summary tables yet: build them with" in sentence
    restored.restore("--data-only", "--disable-triggers")
    for _ in range(20):
        restored.ask(CALL)
    assert "missing or disabled" not in doctors_problems(restored)
    before = restored.value(CALLS)
    restored.answer("run", "--select", "metrics_daily")
    assert restored.value(CALLS) == before + 20
    assert project.value(CALLS) == before


def test_a_copy_of_the_schema_alone_is_built(restored):
    restored.restore("--schema-only")
    restored.answer("run", "--select", "metrics_daily")
    assert restored.value("select count(*) from analytics.metrics_daily") == 0


def test_a_copy_that_another_role_owns_says_what_to_do(restored, server):
    restored.ask(
        "drop role if exists restorer; create role restorer login password 'x'"
    )
    try:
        restored.ask(
            "grant anon, authenticated, service_role to restorer;"
            f" alter database {conninfo_to_dict(restored.url)['dbname']}"
            " owner to restorer"
        )
        restored.restore("--no-owner", "--no-acl", role="restorer")
        restored.write_profile(user="restorer", password="x")
        _, sentence = restored.refuse("refresh", "metrics_daily")
        assert sentence.endswith("To repair them: orchestrator access apply")
        assert "do not let in their owner" in doctors_problems(restored)
        assert restored.call("access", "apply").exit_code == 0
        before = restored.value(CALLS)
        restored.ask(CALL)
        restored.answer("refresh", "metrics_daily")
        assert restored.value(CALLS) == before + 1
    finally:
        restored.ask("reassign owned by restorer to postgres; drop owned by restorer")
        restored.ask("drop role restorer")
