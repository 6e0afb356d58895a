"""Learning's tables: windows, firsts, streaks, and totals that follow."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from clocks import Clock, clock

pytest_plugins = ["projects"]

# In the order in which each reads what is before it.
TABLES = (
    "int_learning__signups",
    "int_learning__first_days",
    "int_learning__streaks",
    "int_learning__track_days",
    "active_learning_days",
    "quiz_completion_rates",
    "popular_tracks",
    "streak_dropoffs",
    "summary_stats",
)
ZONE = ZoneInfo("Asia/Jerusalem")


@pytest.fixture
def learning(whole_project) -> Iterator[Clock]:
    with clock(whole_project) as at:
        at.turn_to(noon())
        at.refresh(*TABLES)
        yield at


def noon() -> datetime:
    """Noon of tomorrow, by the app's clock."""
    tomorrow = datetime.now(ZONE).date() + timedelta(days=1)
    return datetime.combine(tomorrow, datetime.min.time(), ZONE) + timedelta(hours=12)


def today() -> date:
    return noon().date()


def a_new_learner(learning: Clock) -> str:
    return learning.value(
        "insert into learning.profiles (created_at)"
        " select created_at from learning.profiles order by created_at limit 1"
        " returning user_id"
    )


def learn(learning: Clock, learner: str, *days: date) -> None:
    for day in days:
        learning.ask(
            "insert into learning.learning_days (user_id, track_id, learned_on)"
            " select %s, id, %s from learning.tracks order by id limit 1",
            learner,
            day,
        )


def newcomers(learning: Clock) -> dict[date, int]:
    return dict(learning.rows("active_learning_days", "activity_date", "new_learners"))


def test_a_learner_is_new_on_the_first_day_of_all_however_late_it_arrives(learning):
    before = newcomers(learning)
    learner = a_new_learner(learning)
    first, second = today() - timedelta(days=40), today() - timedelta(days=20)
    learn(learning, learner, second)
    learning.refresh(*TABLES)
    assert newcomers(learning)[second] == before[second] + 1
    learn(learning, learner, first)
    learning.refresh(*TABLES)
    assert newcomers(learning)[second] == before[second]
    assert newcomers(learning)[first] == before[first] + 1
    learning.ask(
        "delete from learning.learning_days where user_id = %s and learned_on = %s",
        learner,
        first,
    )
    learning.refresh(*TABLES)
    assert newcomers(learning)[first] == before[first]
    assert newcomers(learning)[second] == before[second] + 1


def test_a_day_counts_in_the_thirty_days_from_it_and_in_no_others(learning):
    columns = ("activity_date", "active_learners_7d", "active_learners_30d")
    before = learning.rows("active_learning_days", *columns)
    learned = today() - timedelta(days=50)
    learn(learning, a_new_learner(learning), learned)
    learning.refresh(*TABLES)
    changed = before ^ learning.rows("active_learning_days", *columns)
    assert {row[0] for row in changed} == {
        learned + timedelta(days=days) for days in range(30)
    }


def test_a_streak_ends_when_a_day_has_passed_without_learning(learning):
    learner = a_new_learner(learning)
    length = 3 + learning.value(
        "select max(streak_length) from analytics.streak_dropoffs"
    )
    learn(learning, learner, *(today() - timedelta(days=n) for n in range(length)))
    learning.refresh(*TABLES)

    def longest():
        return learning.ask(
            "select streaks_reached, streaks_ended, dropoff_rate"
            " from analytics.streak_dropoffs where streak_length = %s",
            length,
        )

    assert longest() == [(1, 0, 0)]
    learning.turn_to(noon() + timedelta(days=1))
    learning.refresh(*TABLES)
    assert longest() == [(1, 0, 0)]
    learning.turn_to(noon() + timedelta(days=2))
    learning.refresh(*TABLES)
    assert longest() == [(1, 1, 100)]


def test_a_new_day_begins_with_zeros_and_the_totals_follow(learning):
    learn(learning, a_new_learner(learning), today())
    learning.refresh(*TABLES)
    learned_today = "select active_learners_today from analytics.summary_stats"
    assert learning.value(learned_today) >= 1
    learning.turn_to(noon() + timedelta(days=1))
    learning.refresh(*TABLES)
    assert learning.value(learned_today) == 0
    assert newcomers(learning)[today() + timedelta(days=1)] == 0


def test_what_stays_the_same_is_not_written_again(learning):
    assert learning.refresh(*TABLES) == 0
    learning.ask("select orchestrator.request(model) from orchestrator.models")
    assert learning.refresh(*TABLES) == 0
    assert learning.value("select count(*) from analytics.summary_stats") == 1


def test_a_days_learning_recomputes_its_learner_alone(learning):
    learn(learning, a_new_learner(learning), today() - timedelta(days=3))
    ((periods, rows),) = learning.ask(
        "select periods, rows_changed from analytics.refresh('int_learning__streaks')"
    )
    assert (periods, rows) == (1, 1)


def test_the_app_counts_from_the_day_of_its_first_profile(learning):
    first = min(newcomers(learning))
    learning.ask(
        "insert into learning.profiles (created_at)"
        " values (%s - interval '5 days' - interval '3 hours')",
        datetime.combine(first, datetime.min.time(), UTC),
    )
    learning.refresh(*TABLES)
    assert min(newcomers(learning)) < first - timedelta(days=4)
    learning.ask(
        "delete from learning.profiles where created_at < %s - interval '4 days'",
        first,
    )
    learning.refresh(*TABLES)
    assert min(newcomers(learning)) == first
