"""What is there to watch: charts, metrics, and the queries of Grafana's dashboard."""

import json
import re
import runpy
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import yaml
from clocks import clock
from projects import CHECKOUT
from prometheus_client.parser import text_string_to_metric_families
from psycopg.sql import SQL, Identifier

from orchestrator.metrics import exposition
from orchestrator.overview import look

pytest_plugins = ["projects"]

MONITORING = CHECKOUT / "monitoring"
ALERTS = MONITORING / "prometheus" / "alerts.yml"
DOCS = CHECKOUT / "docs" / "monitoring.md"
DASHBOARD = json.loads((MONITORING / "grafana" / "summaries.json").read_text())

# Something of everything that there is to see.
HISTORY = """
    select orchestrator.request('kpi_daily');
    select orchestrator.open_incident('kpi_daily', 'stale', 'kpi_daily is stale.');
    select orchestrator.close_incident('kpi_daily', 'stale', 'kpi_daily is fresh.');
    select orchestrator.open_incident('kpi_weekly', 'drift', 'kpi_weekly drifted.');
    insert into orchestrator.job_runs (
        job, executor, status, finished_at, error_message
    )
    values ('kpi_monthly', 'dbt', 'error', clock_timestamp(), 'The disk is full.');
"""


# The views that models read, and the inner tables: of every tenant's rows.
NOT_MONITORED = """
    select pg_class.oid::regclass::text
    from pg_class
    where
        relnamespace = 'orchestrator'::regnamespace
        and relkind in ('r', 'v')
        and relname ~ '^(stg|int)_|^refresh_queue$'
"""


@pytest.fixture
def eventful(project):
    """A project with a history."""
    for statement in HISTORY.split(";\n"):
        project.ask(statement)
    return project


def test_the_dashboard_has_the_queries_as_they_are():
    embed = runpy.run_path(str(MONITORING / "embed.py"))
    assert embed["embedded"](DASHBOARD) == DASHBOARD, (
        "write the queries into it: python monitoring/embed.py"
    )
    titles = [panel["title"] for panel in DASHBOARD["panels"]]
    assert sorted(titles) == sorted(embed["queries"]())


def as_grafana_asks(sql):
    """A query with the one macro that ours have, replaced as Grafana does it."""
    until = datetime.now(UTC) + timedelta(minutes=1)
    times = [f"'{time:%Y-%m-%dT%H:%M:%SZ}'" for time in (until - timedelta(7), until)]
    asked = re.sub(
        r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN {times[0]} AND {times[1]}", sql
    )
    assert "$__" not in asked
    return asked


def test_its_queries_answer_what_the_panels_show_to_who_may_only_read(eventful):
    text = DOCS.read_text()
    (grants,) = re.findall(r"```sql\n(create role grafana .*?)```", text, re.DOTALL)
    with psycopg.connect(eventful.url) as connection:
        for statement in filter(str.strip, grants.split(";\n")):
            connection.execute(statement)
        connection.execute("set role grafana")
        for panel in DASHBOARD["panels"]:
            (target,) = panel["targets"]
            cursor = connection.execute(as_grafana_asks(target["rawSql"]))
            rows = cursor.fetchall()
            assert rows, panel["title"]
            columns = [column.name for column in cursor.description]
            if target["format"] == "time_series":
                assert columns[:2] == ["time", "metric"]
                assert rows == sorted(rows, key=lambda row: row[0])
                assert all(row[0].tzinfo and row[2] is not None for row in rows)
                continue
            named = {
                override["matcher"]["options"]
                for override in panel["fieldConfig"]["overrides"]
            }
            assert named <= set(columns), panel["title"]
        for path in (MONITORING / "queries").glob("*.sql"):
            assert connection.execute(path.read_text()).fetchall(), path
        # And no more: neither rows of summaries nor of sources, by whichever view.
        for relation in connection.execute(NOT_MONITORED).fetchall():
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                connection.transaction(),
            ):
                connection.execute(SQL("select from {}").format(SQL(relation[0])))
        connection.execute("reset role")
        (figures,) = re.findall(r"```sql\n(select .*?)```", text, re.DOTALL)
        assert connection.execute(figures).fetchall()
        connection.rollback()


def test_grafana_is_told_of_the_database_that_the_dashboard_asks_for():
    provisioning = MONITORING / "grafana" / "provisioning"
    (source,) = yaml.safe_load(
        (provisioning / "datasources" / "kpi_summaries.yaml").read_text()
    )["datasources"]
    (variable,) = DASHBOARD["templating"]["list"]
    assert variable["query"] == source["type"]
    assert {panel["datasource"]["type"] for panel in DASHBOARD["panels"]} == {
        source["type"]
    }
    (provider,) = yaml.safe_load(
        (provisioning / "dashboards" / "kpi_summaries.yaml").read_text()
    )["providers"]
    assert provider["type"] == "file"


def test_prometheus_reads_how_everything_stands(eventful):
    eventful.ask(
        "update orchestrator.models set refreshed_through = now() - interval '3 days'"
        " where model = 'kpi_daily'"
    )
    with psycopg.connect(eventful.url) as connection:
        content_type, text = exposition(look(connection), accept="")
    assert content_type.startswith("text/plain")
    samples = {
        (sample.name.removeprefix("orchestrator_"), *sample.labels.values()): (
            sample.value
        )
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    assert samples["table_age_seconds", "kpi_daily"] == pytest.approx(
        3 * 86400, abs=600
    )
    assert samples["table_period_seconds", "kpi_weekly"] == 7 * 86400
    assert samples["table_waiting_requests", "kpi_daily"] > 0
    assert samples["table_waiting_requests", "metrics_daily"] == 0
    for model, state in (
        ("kpi_daily", "late"),
        ("kpi_monthly", "failing"),
        ("kpi_weekly", "fresh"),
    ):
        assert samples["table_state", model, state] == 1
        assert sum(v for k, v in samples.items() if k[:2] == ("table_state", model))
    assert samples["table_failures", "kpi_monthly"] == 1
    assert samples["table_runs_last_hour", "kpi_monthly", "error"] == 1
    assert samples["open_incidents", "drift"] == 1
    assert samples["open_incidents", "stale"] == 0
    (kinds,) = eventful.ask(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conname = 'alert_incidents_kind_check'"
    )[0]
    assert {key[1] for key in samples if key[0] == "open_incidents"} == set(
        re.findall(r"'(\w+)'::text", kinds)
    )
    assert samples["undelivered_notices",] == 3
    documents = DOCS.read_text() + ALERTS.read_text()
    shown = set(re.findall(r"orchestrator_\w+", documents))
    assert shown == set(re.findall(r"^(orchestrator_\w+)", text.decode(), re.M))


def test_charts_are_what_plain_queries_say(project):
    with clock(project) as clocked:
        clocked.turn_to(datetime.now(UTC) + timedelta(days=3))
        clocked.refresh("kpi_daily", "metrics_daily")
        clocked.ask(
            "delete from analytics.metrics_daily where date ="
            " (select max(date) - 5 from analytics.metrics_daily)"
        )
        for model, title, day, column, shown in (
            ("kpi_daily", "Entries", "metric_date", "total_entries", 42),
            ("metrics_daily", "Orders", "date", "orders_count", 42),
            ("kpi_weekly", "Payments", "week_start", "payments_amount", 182),
        ):
            points = clocked.ask(
                "select (starts_at at time zone 'UTC')::date, value, is_under_way"
                " from orchestrator.chart_points() where model = %s and title = %s",
                model,
                title,
            )
            assert len(points) > 10
            counted = dict(
                clocked.ask(
                    SQL("select {}, sum({}) from {} group by 1").format(
                        Identifier(day),
                        Identifier(column),
                        Identifier("analytics", model),
                    )
                )
            )
            assert {date: value for date, value, _ in points} == {
                date: counted.get(date) for date, _, _ in points
            }
            dates = [date for date, _, _ in points]
            today = clocked.value("select current_setting('orchestrator.now')::date")
            assert all((today - date).days <= shown + 1 for date in dates)
            assert dates[-1] == max(counted)
            over = [date for date, _, is_under_way in points if not is_under_way]
            assert all((today - date).days >= 1 for date in over)
            assert over[-1] >= dates[-3]
        missing = [
            value
            for model, value in clocked.ask(
                "select model, value from orchestrator.chart_points()"
            )
            if value is None
        ]
        assert len(missing) == 2  # both charts of metrics_daily, the day without rows


def test_a_chart_of_a_column_that_is_not_there_is_refused(project):
    file = project.use_copy() / "models" / "restaurant" / "metrics_daily.yml"
    text = file.read_text()
    assert text.count("column: orders_count}") == 1
    file.write_text(text.replace("column: orders_count}", "column: orders}"))
    _, said = project.refuse("run", "-s", "metrics_daily")
    assert said == (
        'metrics_daily: meta.charts names the column "orders", which the table does '
        "not have. Fix it in models/restaurant/metrics_daily.yml."
    )


def test_who_was_let_in_to_everything_is_found_and_shown_out(project):
    """As this guide once said to do it: that showed every tenant's payments."""
    project.ask("create role watcher")
    try:
        project.ask("grant usage on schema orchestrator to watcher")
        project.ask("grant select on all tables in schema orchestrator to watcher")
        result = project.call("access", "check")
        assert result.exit_code == 1
        assert "stg_restaurant__calls lets watcher select" in result.stdout
        assert "orchestrator.job_runs" not in result.stdout
        assert project.call("access", "monitor", "watcher").exit_code == 0
        assert project.call("access", "check").exit_code == 0
        _, sentence = project.refuse("access", "monitor", "nobody")
        assert sentence.startswith('There is no role "nobody".')
        _, sentence = project.refuse("access", "monitor", "anon")
        assert sentence == 'The role "anon" is everyone on the internet.'
    finally:
        project.ask("drop owned by watcher")
        project.ask("drop role watcher")
