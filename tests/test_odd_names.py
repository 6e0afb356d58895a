"""Tables and columns may have whatever names their application gives them."""

import yaml

pytest_plugins = ["projects"]

# 63 bytes, the most that PostgreSQL takes, as Prisma and friends may write it.
TABLE = "Phone Calls" + "ü" * 26
RENAMED = f"""
    alter table restaurant.calls rename column account_id to "accountId";
    alter table restaurant.calls rename column call_type to "order";
    alter table restaurant.calls rename column status to "reason";
    alter table restaurant.calls rename column started_at to "startedAt";
    alter table restaurant.calls add column "relation" json default '{{}}';
    alter table restaurant.calls rename to "{TABLE}";
    alter schema restaurant rename to "user";
"""
STAGING = """
select
    id as call_id, "accountId" as account_id, location_id, "order" as call_type,
    "reason" as status, "startedAt" as started_at
from {{ source('restaurant', 'calls') }}
"""
CALENDAR = """
select account_id as "accountId", timezone, is_active, started_at
from {{ ref('int_restaurant__calendar') }}
"""
SUMMARY = """
select
    periods."accountId", periods."Day", count(calls.call_id)::integer as "order",
    now() as computed_at
from {{ kpi_engine.periods(ref('int_restaurant__odd_calendar')) }} as periods
left join {{ ref('stg_restaurant__calls') }} as calls
    on calls.account_id = periods."accountId"
    and {{ kpi_engine.in_period('calls.started_at') }}
group by 1, 2
"""
PROPERTIES = {
    "models": [
        {
            "name": "int_restaurant__odd_calendar",
            "config": {"meta": {"calendar": True}},
        },
        {
            "name": "calls_by_day",
            "config": {
                "unique_key": ["accountId", "Day"],
                "meta": {
                    "tenant": "accountId",
                    "period": {"grain": "day", "column": "Day"},
                    "access": {"readers": "admins"},
                    "cadence": {"every": "hour"},
                },
                "indexes": [{"columns": ['"Day"']}],
            },
            "constraints": [
                {"type": "primary_key", "columns": ['"accountId"', '"Day"']}
            ],
            "data_tests": ["kpi_engine.every_period"],
            "columns": [
                {"name": "accountId", "data_type": "uuid", "quote": True},
                {"name": "Day", "data_type": "date", "quote": True},
                {"name": "order", "data_type": "integer", "quote": True},
                {"name": "computed_at", "data_type": "timestamptz"},
            ],
        },
    ]
}


def rename(place):
    """Give a built project's source, and a summary of it, such names."""
    models = place.use_copy() / "models" / "restaurant"
    path = models / "_restaurant__sources.yml"
    declared = yaml.safe_load(path.read_text())
    (source,) = declared["sources"]
    source["schema"] = "user"
    (calls,) = [table for table in source["tables"] if table["name"] == "calls"]
    calls["identifier"] = TABLE
    calls["config"] = {
        "meta": {"capture": {"tenant": "accountId", "at": ["startedAt"]}}
    }
    calls["columns"] = [
        {"name": name}
        for name in (
            "id",
            "accountId",
            "location_id",
            "order",
            "reason",
            "startedAt",
            "relation",
        )
    ]
    path.write_text(yaml.safe_dump(declared))
    staging = models / "staging" / "stg_restaurant__calls.sql"
    staging.write_text(STAGING)
    (models / "intermediate" / "int_restaurant__odd_calendar.sql").write_text(CALENDAR)
    (models / "calls_by_day.sql").write_text(SUMMARY)
    (models / "calls_by_day.yml").write_text(yaml.safe_dump(PROPERTIES))
    place.ask(RENAMED)


def test_any_name_of_a_table_or_a_column_will_do(project):
    """A changed row asks for its day, not for all; and each command works."""
    rename(project)
    project.answer("run")
    assert project.dbt("test", "-s", "calls_by_day", "metrics_daily")
    project.ask("select analytics.manual_refresh()")
    assert project.call("install", "--dry-run").stdout == ""

    table = f'"user"."{TABLE}"'
    one = f"id = (select min(id) from {table})"
    asked = """
        select model, tenant is not null, period is not null, reason
        from orchestrator.refresh_queue order by model
    """
    for change in (
        f"""update {table} set "startedAt" = "startedAt" - interval '1 day'
        where {one}""",
        f'update {table} set "relation" = \'{{"a": 1}}\' where {one}',
        f"update {table} set \"order\" = 'other' where id in"
        f" (select id from {table} order by id limit 3)",
        f"delete from {table} where {one}",
    ):
        project.ask(change)
        requests = set(project.ask(asked))
        assert requests == {
            (model, True, True, f"source {table}")
            for model in ("calls_by_day", "metrics_daily")
        }, change
        done = project.answer("run")
        assert {run["status"] for run in done} == {"success"}
    for model in ("calls_by_day", "metrics_daily"):
        (audit,) = project.answer("audit", model, "--all")
        assert audit["rows_different"] == 0
    assert project.call("access", "check").exit_code == 0
    assert project.call("doctor").exit_code == 0
    project.answer("rebuild", "calls_by_day")
    assert project.dbt("run", "--full-refresh", "-s", "calls_by_day")
    project.ask(f"truncate {table}")
    project.ask("select analytics.manual_refresh()")
    assert project.value('select sum("order") from analytics.calls_by_day') == 0


def test_sources_whose_names_join_to_the_same_share_nothing(project):
    """Source a_b with a table c, and source a with a table b_c."""
    models = project.use_copy() / "models" / "restaurant"
    path = models / "_restaurant__sources.yml"
    declared = yaml.safe_load(path.read_text())
    (source,) = declared["sources"]
    tables = {table["name"]: table for table in source["tables"]}
    for name, table in (("restaurant_of", "calls"), ("restaurant", "of_calls")):
        project.ask(f"create schema if not exists {name}")
        project.ask(f"create table {name}.{table} (like restaurant.calls)")
    source["tables"].append({**tables["calls"], "name": "of_calls"})
    declared["sources"].append(
        {
            "name": "restaurant_of",
            "tables": [
                {
                    **tables["calls"],
                    "config": {"meta": {"capture": {"tenant": "account_id"}}},
                }
            ],
        }
    )
    path.write_text(yaml.safe_dump(declared))
    staging = models / "staging" / "stg_restaurant__calls.sql"
    text = staging.read_text()
    staging.write_text(
        text
        + "union all "
        + text.replace("'calls'", "'of_calls'")
        + "union all "
        + text.replace("'restaurant'", "'restaurant_of'")
    )
    project.answer("run")
    assert project.call("install", "--dry-run").stdout == ""
    row = (
        " (id, account_id, location_id, call_type, status, started_at)"
        " select 1, account_id, id, 'order', 'completed', now() - interval '3 days'"
        " from restaurant.locations limit 1"
    )
    for table, bounded in (
        ("restaurant.of_calls", True),
        ("restaurant_of.calls", False),
    ):
        project.ask(f"insert into {table} {row}")
        assert project.ask(
            "select reason, period is not null from orchestrator.refresh_queue"
        ) == [(f"source {table}", bounded)]
        project.ask("select * from analytics.refresh('metrics_daily')")
