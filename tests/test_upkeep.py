"""`orchestrator backfill`, `rebuild` and `audit`."""

import itertools

import psycopg
import pytest

from orchestrator import upkeep

pytest_plugins = ["projects"]

LOSE = "delete from analytics.kpi_daily where metric_date = (%s)"
A_DAY = "select max(metric_date) - 30 from analytics.kpi_daily"


def table(place, model):
    """A summary table without the time at which its rows were computed."""
    return {
        str(row)
        for row in place.ask(
            f"select to_jsonb(t) - 'computed_at' from analytics.{model} as t"
        )
    }


@pytest.fixture
def active(project):
    """Every community is active: an inactive one gets no day that it lost."""
    project.ask("update community.communities set is_active = true")
    project.ask("select analytics.manual_refresh()")
    return project


@pytest.fixture
def lost(active):
    """What the tables had before all their rows of the last months went."""
    project = active
    models = ("kpi_daily", "kpi_weekly", "kpi_monthly")
    before = {model: table(project, model) for model in models}
    for model in models:
        project.ask(f"truncate analytics.{model}")
    return before


def first_day(place):
    return str(
        place.value("select min(created_at)::date - 1 from community.communities")
    )


def test_a_backfill_fills_a_table_and_those_that_read_it(project, lost):
    result = project.call("backfill", "kpi_daily", "--from", first_day(project))
    assert result.exit_code == 0, result.output
    for model, rows in lost.items():
        assert table(project, model) == rows
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "kpi_daily",
        "kpi_monthly",
        "kpi_weekly",
    ]


def test_a_backfill_that_is_interrupted_goes_on_where_it_was(project, lost):
    first = project.value("select min(created_at)::date - 1 from community.communities")
    last = project.value("select current_date")
    asked = ("kpi_daily", first, last)
    with psycopg.connect(project.url, autocommit=True) as connection:
        begun, *_, stopped = itertools.islice(upkeep.backfill(connection, *asked), 3)
        goes_on = next(upkeep.backfill(connection, *asked))
        assert goes_on.days_left == stopped.days_left < begun.days_left
        (done,) = connection.execute(
            "select count(distinct metric_date) from analytics.kpi_daily"
        )
        assert 0 < done[0] < (last - first).days
    project.call("backfill", "kpi_daily", "--from", str(first), "--to", str(last))
    for model, rows in lost.items():
        assert table(project, model) == rows


def test_a_backfill_of_one_tenant_computes_no_other(project, lost):
    tenant = project.value(
        "select id::text from community.communities order by created_at limit 1"
    )
    done = project.answer(
        *("backfill", "kpi_daily", "--from", first_day(project), "--tenant", tenant)
    )
    written = {part["model"]: part["rows_changed"] for part in done}
    for model, rows in lost.items():
        own = {row for row in rows if tenant in row}
        assert table(project, model) == own
        assert written[model] == len(own)


def test_a_backfill_of_what_does_not_exist_is_refused(project):
    unknown = "00000000-0000-0000-0000-000000000000"
    assert project.refuse("backfill", "kpi_daly", "--from", "2026-01-01") == (
        2,
        'There is no summary table "kpi_daly": did you mean kpi_daily?',
    )
    assert project.refuse(
        "backfill", "kpi_daily", "--from", "2026-01-01", "--tenant", unknown
    ) == (2, f"kpi_daily has no tenant {unknown}.")
    assert project.refuse(
        "backfill", "kpi_daily", "--from", "2026-01-02", "--to", "2026-01-01"
    ) == (2, "The days end (2026-01-01) before they begin (2026-01-02).")
    assert not project.ask("select * from orchestrator.backfills")


def test_a_rebuild_mends_the_table_in_place_and_writes_what_differs(active):
    project = active
    day = project.value(A_DAY)
    (oid,) = project.ask("select 'analytics.kpi_daily'::regclass::oid")
    before = table(project, "kpi_daily")
    project.ask(LOSE, day)
    missing = len(before) - project.count("kpi_daily")
    done = project.answer("rebuild", "kpi_daily")
    assert done["rows_changed"] == missing > 0
    assert done["passed_on_to"] == ["kpi_monthly", "kpi_weekly"]
    assert table(project, "kpi_daily") == before
    assert project.ask("select 'analytics.kpi_daily'::regclass::oid") == [oid]


def test_an_audit_finds_nothing_where_all_is_well(project):
    found = project.answer("audit", "--all")
    assert [one["model"] for one in found] == [
        "kpi_daily",
        "kpi_monthly",
        "kpi_weekly",
        "metrics_daily",
    ]
    assert all(one["periods"] > 0 for one in found)
    assert not any(one["rows_different"] for one in found)


def test_an_audit_records_drift_and_repairs_it(project):
    open_incidents = """
    select model from orchestrator.alert_incidents
    where kind = 'drift' and closed_at is null
    """
    before = table(project, "kpi_daily")
    project.ask("update analytics.kpi_daily set total_entries = total_entries + 1")
    result = project.call("audit", "kpi_daily", "--sample", "20")
    assert result.exit_code == 1
    assert result.stderr.startswith("kpi_daily differs from its sources in ")
    assert table(project, "kpi_daily") != before
    assert project.ask(open_incidents) == [("kpi_daily",)]

    result = project.call("audit", "kpi_daily", "--all", "--repair")
    assert result.exit_code == 0
    assert "It was repaired." in result.stderr
    assert table(project, "kpi_daily") == before
    assert project.ask(open_incidents) == []


def test_what_waits_to_be_refreshed_is_no_drift(project):
    project.ask("delete from community.access_logs")
    (found,) = project.answer("audit", "kpi_daily", "--all")
    assert found["rows_different"] == 0
