"""What a summary and a source may declare, and what is said where it is wrong."""

import pytest
from projects import Workplace

pytest_plugins = ["projects"]


def edit(place: Workplace, path: str, old: str, new: str) -> None:
    """Write `new` for `old` in a file of this test's own copy of the project."""
    file = place.use_copy() / "models" / path
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def call_in(place: Workplace, days_ago: int) -> None:
    """A restaurant is called, some days ago."""
    place.ask(
        "insert into restaurant.calls"
        " (account_id, location_id, call_type, status, started_at)"
        " select account_id, id, 'order', 'completed', now() - %s * interval '1 day'"
        " from restaurant.locations order by id limit 1",
        days_ago,
    )


def test_a_source_that_can_have_no_triggers_is_looked_back_on(project):
    edit(
        project,
        "restaurant/_restaurant__sources.yml",
        "capture: {tenant: account_id, at: [started_at]}",
        "capture: {lookback: 5 days}",
    )
    project.answer("run", "-s", "metrics_daily")
    triggers = project.value(
        "select count(*) from pg_trigger where tgrelid = 'restaurant.calls'::regclass"
        " and tgname like 'orchestrator%%'"
    )
    assert triggers == 0

    calls = project.value("select sum(total_calls) from analytics.metrics_daily")
    call_in(project, days_ago=3)
    call_in(project, days_ago=30)
    project.ask("select * from analytics.refresh('metrics_daily')")
    counted = project.value("select sum(total_calls) from analytics.metrics_daily")
    assert counted == calls + 1


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ("grain: fortnight", "meta.period.grain must be a number of minutes or"),
        (
            "grain: day, current_period: maybe",
            "meta.period.current_period must be",
        ),
        ("grain: day, rows: few", "meta.period.rows must be every or some, and is"),
        ("grain: day, retention: 7 days", "where there is retention or frozen"),
        ("grain: day, colour: blue", "meta.period has colour, which means nothing"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(project, declared, sentence):
    edit(
        project,
        "restaurant/metrics_daily.yml",
        "period: {grain: day, column: date, rows: some, current_period: include}",
        f"period: {{column: date, {declared}}}",
    )
    _, said = project.refuse("run", "-s", "metrics_daily")
    assert sentence in said
    assert said.endswith("Fix it in models/restaurant/metrics_daily.yml.")


def test_a_name_that_would_be_shared_is_refused(project):
    """Of a function that two tables declare, or one that is cut off."""
    edit(
        project,
        "restaurant/metrics_daily.yml",
        "functions: {refresh: refresh_metrics_daily}",
        "functions: {refresh: compute_daily_kpis}",
    )
    code, sentence = project.refuse("run")
    assert code == 1
    assert "must be a name that no other table's function has" in sentence


def test_a_summary_whose_name_is_too_long_is_refused(project):
    models = project.use_copy() / "models" / "restaurant"
    name = "metrics_daily_of_every_restaurant_that_is_there_by_location"
    for ending in ("sql", "yml"):
        path = models / f"metrics_daily.{ending}"
        text = path.read_text().replace("metrics_daily", name)
        (models / f"{name}.{ending}").write_text(text)
        path.unlink()
    exposures = models / "_restaurant__exposures.yml"
    exposures.write_text(exposures.read_text().replace("metrics_daily", name))
    code, sentence = project.refuse("run")
    assert code == 1
    assert f"{name} has a name of more than 55 bytes" in sentence
