"""What docs/examples.md tells to do on a database with other names is all it takes."""

import configparser
import re
import shlex
from collections import Counter

import pytest
from click.testing import CliRunner
from naive.restaurant import METRICS_DAILY
from projects import CHECKOUT

from orchestrator.cli import main

pytest_plugins = ["projects"]

GUIDE = (CHECKOUT / "docs" / "examples.md").read_text()
DEPLOY = CHECKOUT / "deploy"

# The demo's restaurants as another application might have them.
RENAMED = """
drop schema community cascade;
alter schema restaurant rename to tills;
alter table tills.accounts rename to businesses;
alter table tills.locations rename to shops;
drop table tills.location_settings;
alter table tills.account_members rename column account_id to business_id;
alter table tills.account_members rename column user_id to person_id;
alter table tills.orders rename to sales;
alter table tills.sales rename column id to sale_id;
alter table tills.sales rename column account_id to business_id;
alter table tills.sales rename column location_id to shop_id;
alter table tills.sales rename column created_at to placed_at;
alter table tills.sales rename column total_amount to amount_cents;
alter table tills.sales alter column amount_cents type bigint
using round(amount_cents * 100);
"""

METRICS = "account_id, location_id, date, total_calls, orders_count, " + (
    "reservations_count, total_revenue_orders, total_revenue_res_estimate,"
    " minutes_saved"
)


def shown(path):
    """The parts of a file that the guide shows."""
    found = re.findall(rf"```\w+\n(?:#|--) {path}\n(.*?)```", GUIDE, re.DOTALL)
    assert found, path
    return found


def adopt(project):
    """Edit a copy of the project as the guide says, and no other file."""
    settings = project / "dbt_project.yml"
    text = settings.read_text()
    for line in "".join(shown("dbt_project.yml")).splitlines():
        # The members are the restaurants', which stand last but for two others.
        before, place, after = text.partition("\n    restaurant:\n")
        key = line.partition(":")[0]
        if key.startswith("      "):
            after, done = re.subn(f"(?m)^{key}:.*$", line, after, count=1)
        else:
            before, done = re.subn(f"(?m)^{key}:.*$", line, before, count=1)
        assert done == 1, line
        text = before + place + after
    settings.write_text(text)

    restaurant = project / "models" / "restaurant"
    sources = restaurant / "_restaurant__sources.yml"
    (orders,) = shown("models/restaurant/_restaurant__sources.yml")
    text, done = re.subn(
        r"      - name: orders\n.*?\n(?=\n      - name: |\Z)",
        lambda _: orders,
        sources.read_text(),
        flags=re.DOTALL,
    )
    assert done == 1
    for name, identifier in (("accounts", "businesses"), ("locations", "shops")):
        entry = f"      - name: {name}\n"
        assert entry in text
        text = text.replace(entry, f"{entry}        identifier: {identifier}\n")
    for column, yours in (("account_id", "business_id"), ("user_id", "person_id")):
        before, place, after = text.partition("- name: account_members\n")
        text = before + place + after.replace(f"name: {column},", f"name: {yours},", 1)
    sources.write_text(text)
    for view in ("orders", "location_settings"):
        path = f"models/restaurant/staging/stg_restaurant__{view}.sql"
        (project / path).write_text(shown(path)[0])


def test_other_names_take_edits_of_staging_sources_and_settings_alone(sources):
    # Without settings of their own locations, as the adopter has no table of them.
    sources.ask("delete from restaurant.location_settings")
    expected = sources.ask(METRICS_DAILY.replace("%(now)s", "now()"))
    assert expected
    sources.ask(RENAMED)
    adopt(sources.use_copy())

    examined = sources.call("doctor")
    assert examined.exit_code == 0, examined.stdout
    assert sources.dbt("build")
    rows = sources.ask(f"select {METRICS} from analytics.metrics_daily")
    assert Counter(rows) == Counter(expected)

    referred = sources.ask(
        "select confrelid::regclass::text from pg_constraint"
        " where conrelid = 'analytics.metrics_daily'::regclass and contype = 'f'"
    )
    assert {table for (table,) in referred} == {"tills.businesses", "tills.shops"}
    checked = sources.call("access", "check")
    assert checked.exit_code == 0, checked.stdout

    sources.ask(
        "update tills.sales set amount_cents = amount_cents + 100"
        " where sale_id = (select min(sale_id) from tills.sales)"
    )
    (run,) = sources.answer("run", "--due")
    assert (run["periods"], run["rows_changed"]) == (1, 1)
    assert run["reason"] == "source"


def test_the_systemd_unit_runs_what_the_guide_sets_up():
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str
    unit.read(DEPLOY / "kpi-summaries-worker.service")
    service = unit["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert program == f"{service['WorkingDirectory']}/.venv/bin/orchestrator"
    assert CliRunner().invoke(main, [*arguments, "--help"]).exit_code == 0


def test_the_environment_file_has_what_the_profile_reads():
    profile = (CHECKOUT / "profiles.yml.example").read_text()
    wanted = re.findall(r"env_var\('(PG\w+)'", profile)  # USER is the shell's
    text = (DEPLOY / "kpi-summaries.env.example").read_text()
    assert re.findall(r"(?m)^(\w+)=", text) == wanted
    optional = re.findall(r"(?m)^#(\w+)=", text)
    known = {parameter.envvar for parameter in main.commands["worker"].params}
    assert optional
    assert set(optional) <= known


def test_the_container_is_made_of_what_is_here():
    steps = re.findall(r"(?m)^([A-Z]+) (.*)$", (DEPLOY / "Containerfile").read_text())
    commands = [
        shlex.split(command)
        for step, text in steps
        if step == "RUN"
        for command in text.split("&&")
    ]
    assert ["bin/setup"] in commands
    for words in commands:
        for path in words:
            if "/" in path or path.endswith(".example"):
                assert (CHECKOUT / path).is_file(), path
    ((entry,), (command,)) = (
        re.findall(r'"(.*?)"', text)
        for step, text in steps
        if step in ("ENTRYPOINT", "CMD")
    )
    assert entry == ".venv/bin/orchestrator"
    assert command in main.commands
    ignored = (CHECKOUT / ".dockerignore").read_text().splitlines()
    assert {".venv/", "profiles.yml"} <= set(ignored)


@pytest.mark.parametrize("mentioned", re.findall(r"\]\(([\w./]+\.md)\)", GUIDE))
def test_the_guide_points_to_what_is_there(mentioned):
    assert (CHECKOUT / "docs" / mentioned).is_file()
