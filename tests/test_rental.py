"""Rental's tables: what a change touches, and what the passing of time does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from clocks import Clock, clock

pytest_plugins = ["projects"]

COHORT_TABLES = ("int_rental__customers", "customer_cohorts")
COHORT = (
    "cohort_month",
    "new_customers",
    "returning_customers",
    "avg_ltv",
)
UTILIZATION = ("equipment_id", "snapshot_date", "rented_days", "revenue")


@pytest.fixture
def rental(whole_project) -> Iterator[Clock]:
    with clock(whole_project) as at:
        # A day may have ended since the build.
        at.refresh("equipment_utilization", *COHORT_TABLES, "alert_candidates")
        yield at


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def open_ticket(rental: Clock, priority: str, created_at: datetime) -> str:
    return rental.value(
        "insert into rental.support_tickets (customer_id, priority, created_at)"
        " select id, %s, %s from rental.users where role = 'customer'"
        " order by id limit 1 returning id",
        priority,
        created_at,
    )


def alerts(rental: Clock, entity: str) -> list[tuple[str, str, datetime]]:
    return rental.ask(
        "select alert_type, severity, detected_at from analytics.alert_candidates"
        " where entity_id = %s",
        entity,
    )


def breaches(rental: Clock) -> int:
    return rental.value("select sum(sla_breaches) from analytics.support_sla")


def test_a_cancelled_booking_changes_its_machine_and_its_cohort_alone(rental):
    booking, machine, cohort = rental.ask(
        "select bookings.id, equipment_id, cohort_month"
        " from rental.bookings"
        " inner join rental.equipment on equipment.id = bookings.equipment_id"
        " inner join orchestrator.int_rental__customers using (customer_id)"
        " where is_active and ends_on < current_date - 40"
        " and (select count(*) from rental.bookings as others"
        "  where others.customer_id = bookings.customer_id"
        "  and others.status <> 'cancelled') = 1"
        " order by bookings.id limit 1"
    )[0]
    machines = rental.rows("equipment_utilization", *UTILIZATION)
    cohorts = rental.rows("customer_cohorts", *COHORT)
    rental.ask("update rental.bookings set status = 'cancelled' where id = %s", booking)

    rental.refresh(*COHORT_TABLES, "equipment_utilization")
    changed = machines ^ rental.rows("equipment_utilization", *UTILIZATION)
    assert {row[0] for row in changed} == {machine}
    assert len({row[1] for row in changed}) >= 30  # its days, and 29 on
    changed = cohorts ^ rental.rows("customer_cohorts", *COHORT)
    assert {row[0] for row in changed} == {cohort}
    computed = rental.ask(
        "select job, periods from orchestrator.job_runs"
        " where job = any(%s) and executor = 'database' order by id",
        list(COHORT_TABLES),
    )
    assert dict(computed)["int_rental__customers"] == 1
    assert dict(computed)["customer_cohorts"] <= 2


def test_a_customer_whose_first_booking_moves_goes_to_another_cohort(rental):
    customer, cohort = rental.ask(
        "select customer_id, cohort_month from orchestrator.int_rental__customers"
        " where cohort_month > (select min(cohort_month) from"
        "  orchestrator.int_rental__customers)"
        " order by customer_id limit 1"
    )[0]

    def sizes():
        return dict(rental.rows("customer_cohorts", "cohort_month", "new_customers"))

    before = sizes()
    earlier = min(before)
    rental.ask(
        "update rental.bookings set created_at = %s + interval '20 days'"
        " where id = (select id from rental.bookings where customer_id = %s"
        " and status <> 'cancelled' order by created_at limit 1)",
        earlier,
        customer,
    )
    rental.refresh(*COHORT_TABLES)
    after = sizes()
    assert after.get(cohort, 0) == before[cohort] - 1
    assert after[earlier] == before[earlier] + 1


def test_a_target_is_broken_by_time_alone_and_an_alert_stands_until_the_answer(rental):
    begun = now()
    ticket = open_ticket(rental, "urgent", begun)
    rental.turn_to(begun + timedelta(minutes=14))
    rental.refresh("support_sla", "alert_candidates")
    broken = breaches(rental)
    assert alerts(rental, ticket) == []

    rental.turn_to(begun + timedelta(minutes=16))
    rental.refresh("support_sla", "alert_candidates")
    late = begun + timedelta(minutes=15)
    assert breaches(rental) == broken + 1
    assert alerts(rental, ticket) == [("sla_breach", "critical", late)]

    rental.ask(
        "update rental.support_tickets set first_response_at = %s where id = %s",
        begun + timedelta(minutes=20),
        ticket,
    )
    rental.turn_to(begun + timedelta(minutes=21))
    rental.refresh("support_sla", "alert_candidates")
    assert breaches(rental) == broken + 1
    assert alerts(rental, ticket) == []

    rental.turn_to(begun + timedelta(hours=5))
    rental.refresh("support_sla", "alert_candidates")
    unresolved = begun + timedelta(hours=4)
    assert alerts(rental, ticket) == [("sla_breach", "critical", unresolved)]
    assert breaches(rental) >= broken + 2


def test_a_standing_alert_keeps_the_moment_it_was_detected(rental):
    begun = now() - timedelta(hours=1)
    ticket = open_ticket(rental, "urgent", begun)
    rental.refresh("alert_candidates")
    ((_, _, detected),) = alerts(rental, ticket)
    assert detected == begun + timedelta(minutes=15)

    rental.ask(
        "update rental.support_tickets set created_at = created_at - interval '9 h',"
        " priority = 'high' where id = %s",
        ticket,
    )
    rental.refresh("alert_candidates")
    assert alerts(rental, ticket) == [("sla_breach", "high", detected)]


def test_a_change_of_one_ticket_recomputes_that_alert_alone(rental):
    rental.refresh("alert_candidates")
    open_ticket(rental, "low", now() - timedelta(days=9))
    ((periods, rows),) = rental.ask(
        "select periods, rows_changed from analytics.refresh('alert_candidates')"
    )
    assert (periods, rows) == (1, 1)


def test_a_new_month_adds_a_figure_to_every_cohort(rental):
    def figures():
        return sum(
            len(months)
            for (months,) in rental.ask(
                "select retention_by_month from analytics.customer_cohorts"
            )
        )

    before = figures()
    cohorts = rental.value("select count(*) from analytics.customer_cohorts")
    rental.turn_to(now() + timedelta(days=31))
    rental.refresh(*COHORT_TABLES)
    assert figures() - before in (cohorts, 2 * cohorts)


def test_equipment_out_of_service_has_no_rows_until_it_is_back(rental):
    machine = rental.value(
        "select equipment_id from analytics.equipment_utilization"
        " where rented_days > 0 order by 1 limit 1"
    )
    before = rental.rows("equipment_utilization", *UTILIZATION)
    toggle = "update rental.equipment set is_active = not is_active where id = %s"
    rental.ask(toggle, machine)
    rental.refresh("equipment_utilization")
    others = rental.rows("equipment_utilization", *UTILIZATION)
    assert others == {row for row in before if row[0] != machine}
    rental.ask(toggle, machine)
    rental.refresh("equipment_utilization")
    assert rental.rows("equipment_utilization", *UTILIZATION) == before


def test_a_full_refresh_takes_along_the_views_that_read_the_table(whole_project, capfd):
    rows = whole_project.count("equipment_utilization")
    refresh = ["run", "--full-refresh", "--select"]
    assert not whole_project.dbt(*refresh, "equipment_utilization")
    assert (
        "A full refresh of equipment_utilization drops the view"
        " int_rental__breaches, which reads it."
        " Select both: --select equipment_utilization+"
    ) in " ".join(capfd.readouterr().out.split())
    whole_project.ask("select * from orchestrator.int_rental__breaches limit 1")

    assert whole_project.dbt(*refresh, "equipment_utilization+")
    assert whole_project.count("equipment_utilization") == rows
    whole_project.ask("select * from orchestrator.int_rental__breaches limit 1")


def test_two_rows_that_belong_together_may_change_immediate(whole_project):
    """A payment moves to another day, while what it is for is being changed."""
    place = whole_project
    world = "select analytics.manual_refresh()"
    place.ask(world)
    payment, paid_at = place.ask(
        "select payments.id, payments.paid_at from rental.payments"
        " inner join rental.booking_payments on booking_payments.payment_id ="
        " payments.id where payments.status = 'succeeded'"
        " and booking_payments.kind <> 'refund' order by paid_at desc limit 1"
    )[0]
    with psycopg.connect(place.url) as one, psycopg.connect(place.url) as other:
        one.execute(
            "update rental.payments set paid_at = paid_at - interval '40 days'"
            " where id = %s",
            [payment],
        )
        other.execute(
            "update rental.booking_payments set kind = 'refund' where payment_id = %s",
            [payment],
        )
        one.commit()
        place.ask(world)
        other.commit()
    place.ask(world)
    for model in ("financial_summary", "revenue_trends", "dashboard_kpis"):
        (audit,) = place.answer("audit", model, "--all")
        assert audit["rows_different"] == 0, model
    assert (
        place.ask(
            "select 1 from rental.payments where id = %s and paid_at = %s",
            payment,
            paid_at,
        )
        == []
    )
