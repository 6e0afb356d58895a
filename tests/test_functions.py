"""The functions for people and applications, in the schema analytics."""

from datetime import UTC, date, datetime

import psycopg
import pytest

pytest_plugins = ["projects"]

FIRST_COMMUNITY = "select id from community.communities order by created_at limit 1"


@pytest.fixture
def community(project):
    return project.value(FIRST_COMMUNITY)


@pytest.fixture
def day(project, community):
    """A closed day of the community, of the last week but one, lost everywhere."""
    found = project.value(
        """
        select max(metric_date) - 8
        from analytics.kpi_daily
        where community_id = %s
        """,
        community,
    )
    for table in ("kpi_daily", "kpi_weekly", "kpi_monthly"):
        project.ask(f"truncate analytics.{table}")
    return found


def periods(place, table, *columns):
    names = ", ".join(columns)
    rows = place.ask(f"select distinct community_id, {names} from analytics.{table}")
    return set(rows)


def test_a_day_is_there_when_its_function_returns(project, community, day):
    project.ask("select analytics.compute_daily_kpis(%s, %s)", community, day)
    assert periods(project, "kpi_daily", "metric_date") == {(community, day)}
    project.ask("select analytics.compute_daily_kpis(%s, %s)", community, day)
    assert periods(project, "kpi_daily", "metric_date") == {(community, day)}


def test_a_week_and_a_month_are_there_when_their_functions_return(project, community):
    year, week, monday = project.ask(
        """
        select year, week_number, week_start
        from analytics.kpi_weekly
        where community_id = %s
        order by week_start desc limit 1
        """,
        community,
    )[0]
    project.ask("truncate analytics.kpi_weekly, analytics.kpi_monthly")
    project.ask("select analytics.compute_weekly_kpis(%s, %s)", community, monday)
    assert periods(project, "kpi_weekly", "year", "week_number") == {
        (community, year, week)
    }
    last_month = monday.replace(day=1) - date.resolution
    project.ask(
        "select analytics.compute_monthly_kpis(%s, %s, %s)",
        *(community, last_month.year, last_month.month),
    )
    assert periods(project, "kpi_monthly", "year", "month") == {
        (community, last_month.year, last_month.month)
    }


def test_all_active_communities_have_the_day_and_no_other(project, community, day):
    project.ask("update community.communities set is_active = id = %s", community)
    project.ask("delete from orchestrator.refresh_queue")
    project.ask("select analytics.compute_all_daily_kpis(%s)", day)
    assert periods(project, "kpi_daily", "metric_date") == {(community, day)}


def test_a_backfill_has_the_days_and_the_weeks_and_months_they_lie_in(
    project, community, day
):
    project.ask(
        "select analytics.backfill_kpis(%s, %s, %s)",
        *(community, day - 2 * date.resolution, day),
    )
    days = {found for _, found in periods(project, "kpi_daily", "metric_date")}
    assert days == {day - n * date.resolution for n in range(3)}
    weeks = periods(project, "kpi_weekly", "year", "week_number")
    assert (community, *day.isocalendar()[:2]) in weeks


def test_the_last_days_are_refreshed_for_one_community(project, community, day):
    project.ask("select analytics.refresh_kpis(%s, 9)", community)
    found = periods(project, "kpi_daily", "metric_date")
    assert (community, day) in found
    assert {tenant for tenant, _ in found} == {community}
    assert len(found) <= 10


def test_the_metrics_are_refreshed_when_the_function_returns(project):
    project.ask("delete from restaurant.calls")
    project.ask("select analytics.refresh_metrics_daily()")
    assert project.value("select sum(total_calls) from analytics.metrics_daily") == 0


def test_a_function_says_what_is_missing(project, community):
    for call, said in {
        "compute_daily_kpis(null, '2026-01-01')": "Whose periods to compute is missing",
        f"compute_daily_kpis('{community}', null)": "A date is missing",
        f"compute_daily_kpis('{community}', 'infinity')": "infinity has no period",
        f"compute_monthly_kpis('{community}', 2026, 13)": "There is no month 13",
        f"compute_monthly_kpis('{community}', 0, 1)": "There is no month 1 of the year",
        f"backfill_kpis('{community}', '2100-01-01', '2100-01-02')": "days lie ahead",
        f"refresh_kpis('{community}', -1)": "There are no last -1 days",
        "refresh_kpis(gen_random_uuid())": "kpi_daily has no tenant",
        "refresh('nothing')": 'There is no summary table "nothing".',
    }.items():
        with pytest.raises(psycopg.Error, match=said):
            project.ask(f"select analytics.{call}")


def test_a_period_that_is_not_over_is_refused_with_the_day_it_will_be(
    project, community
):
    zone = project.value(
        "select timezone from community.communities where id = %s", community
    )
    today = project.value("select (now() at time zone %s)::date", zone)
    tomorrow = today + date.resolution
    for day, end in ((today, tomorrow), (tomorrow, tomorrow + date.resolution)):
        with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
            project.ask("select analytics.compute_daily_kpis(%s, %s)", community, day)
        assert refused.value.diag.message_primary == (
            f"kpi_daily has no row of the day {day} yet: it ends on {end} at 00:00 "
            f"({zone})."
        )
    with pytest.raises(psycopg.Error, match="kpi_weekly has no row of the week"):
        project.ask("select analytics.compute_all_weekly_kpis(%s)", today)
    with pytest.raises(psycopg.Error, match="day 1980-01-01: the first is of"):
        project.ask("select analytics.compute_daily_kpis(%s, '1980-01-01')", community)


def test_all_tables_are_refreshed_in_the_order_they_read_each_other(project, community):
    project.ask(
        """
        insert into community.access_logs (
            community_id, entry_type, decision, occurred_at
        )
        values (%s, 'visitor', 'granted', now() - interval '40 days')
        """,
        community,
    )
    shown = project.value("select analytics.manual_refresh()")
    # A day, its week, the next week's trend, and its month.
    assert shown == "4 summary tables refreshed, 4 rows changed."
    assert not project.ask("select * from orchestrator.refresh_queue")
    project.ask("select analytics.refresh_all_views()")


def test_a_table_that_fails_does_not_keep_the_others_from_being_refreshed(project):
    project.ask("alter table analytics.kpi_daily rename to moved")
    project.ask("delete from restaurant.calls")
    shown = project.value("select analytics.manual_refresh()")
    assert shown.startswith("3 summary tables refreshed, ")
    assert "Failed: kpi_daily: " in shown
    assert project.value("select sum(total_calls) from analytics.metrics_daily") == 0
    with pytest.raises(
        psycopg.Error, match=r"Nothing was refreshed\. Failed: kpi_daily"
    ):
        project.ask("select analytics.refresh_all_views()")


def test_a_health_check_counts_the_rows_of_every_table(project):
    began = datetime.now(UTC)
    project.ask("select analytics.refresh('kpi_weekly')")
    found = project.ask("select * from analytics.health_check()")
    assert [(name, rows) for name, rows, _ in found] == [
        (name, project.count(name))
        for name in ("kpi_daily", "kpi_monthly", "kpi_weekly", "metrics_daily")
    ]
    checked = {name: refreshed for name, _, refreshed in found}
    assert checked["kpi_weekly"] >= began > checked["kpi_monthly"]


def test_the_rows_of_a_table_can_be_got_between_two_days(whole_project):
    get = "select * from analytics.get_active_learning_days"
    table = "select * from analytics.active_learning_days"
    last = whole_project.value(
        "select max(activity_date) from analytics.active_learning_days"
    )
    assert set(map(str, whole_project.ask(f"{get}()"))) == set(
        map(str, whole_project.ask(table))
    )
    assert whole_project.ask(f"{get}(%s, %s)", last - date.resolution, last) == (
        whole_project.ask(
            f"{table} where activity_date >= %s order by activity_date",
            last - date.resolution,
        )
    )
    for name in (
        "popular_tracks",
        "streak_dropoffs",
        "quiz_completion_rates",
        "review_session_usage",
        "explanation_engagement",
        "summary_stats",
    ):
        assert len(whole_project.ask(f"select * from analytics.get_{name}()")) == (
            whole_project.count(name)
        )


def test_a_function_that_is_declared_no_more_goes(project):
    copy = project.use_copy()
    yaml = copy / "models" / "restaurant" / "metrics_daily.yml"
    declared = "functions: {refresh: refresh_metrics_daily}"
    assert declared in yaml.read_text()
    changed = declared.replace("refresh_metrics_daily", "refresh_the_metrics")
    yaml.write_text(yaml.read_text().replace(declared, changed))
    project.answer("run", "--select", "metrics_daily")
    project.ask("select analytics.refresh_the_metrics()")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        project.ask("select analytics.refresh_metrics_daily()")
