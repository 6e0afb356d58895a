"""What CONTRIBUTING tells an analyst to write works to the letter."""

import json
import re
import shlex

from clients import Client
from projects import CHECKOUT

pytest_plugins = ["projects"]

# The same figures, asked of the source tables by someone who has no models.
BY_HAND = """
select
    communities.id,
    day::date,
    count(packages) filter (
        where (received_at at time zone timezone)::date = day
    ),
    round(avg(extract(epoch from picked_up_at - received_at) / 3600) filter (
        where (picked_up_at at time zone timezone)::date = day
    ), 1)
from community.communities
cross join lateral generate_series(
    (communities.created_at at time zone timezone)::date,
    (now() at time zone timezone)::date - 1,
    interval '1 day'
) as day
left join community.packages
    on packages.community_id = communities.id
    and day in (
        (received_at at time zone timezone)::date,
        (picked_up_at at time zone timezone)::date
    )
where communities.is_active
group by communities.id, day
order by communities.id, day
"""

STORED = """
select community_id, metric_date, parcels_received, avg_hours_waited
from analytics.parcels_daily
inner join community.communities on communities.id = community_id
where communities.is_active
order by community_id, metric_date
"""

LATE_PARCEL = """
insert into community.packages (community_id, received_at)
select id, now() - interval '9 days'
from community.communities
where is_active and created_at < now() - interval '20 days'
order by id
limit 1
returning community_id
"""

SECURITY = """
select
    relrowsecurity,
    relforcerowsecurity,
    (select array_agg(polname::text order by polname)
    from pg_policy where polrelid = pg_class.oid)
from pg_class where oid = 'analytics.parcels_daily'::regclass
"""

COMMENTS = """
select
    count(*),
    count(*) filter (where col_description(attrelid, attnum) is null),
    obj_description(attrelid, 'pg_class')
from pg_attribute
where attrelid = 'analytics.parcels_daily'::regclass and attnum > 0
group by attrelid
"""


def test_a_summary_table_is_one_sql_file_and_one_yaml_file(project):
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    _, _, section = text.partition("## Add a summary table\n")
    section, _, _ = section.partition("\n### ")
    files = re.findall(r"```\w+\n(?:--|#) (models/\S+)\n(.*?)```", section, re.DOTALL)
    assert [name for name, _ in files] == [
        "models/community/parcels_daily.sql",
        "models/community/parcels_daily.yml",
    ]
    ((command,),) = [re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL)]
    (query,) = re.findall(r"```sql\n(select .*?)\n```", section, re.DOTALL)

    copy = project.use_copy()
    for name, content in files:
        (copy / name).write_text(content)
    program, *arguments = shlex.split(command)
    assert program == "dbt"
    assert project.dbt(*arguments)

    # Its tests ran, and it has the rows that the sources give.
    results = json.loads((project.folder / "target" / "run_results.json").read_text())
    ran = {
        result["unique_id"].split(".")[2:][-1]: result for result in results["results"]
    }
    assert ran["a_parcel_counts_as_it_comes_and_waits_until_it_is_fetched"]
    assert project.ask(STORED) == project.ask(BY_HAND)
    assert project.count("parcels_daily") > 100

    # It is scheduled, and a change of its sources reaches it.
    (listed,) = [
        row for row in project.answer("status") if row["model"] == "parcels_daily"
    ]
    assert listed["cadence"] == {"every": "hour"}
    ((community,),) = project.ask(LATE_PARCEL)
    ((status, _, rows, _),) = project.ask(query)
    assert (status, rows) == ("success", 1)
    assert project.ask(STORED) == project.ask(BY_HAND)

    # It is secured: a community's admins see its rows, others none.
    assert project.ask(SECURITY) == [
        (True, True, ["owner", "readers", "service_role select"])
    ]
    ((admin, own),) = project.ask(
        "select user_id, array_agg(community_id order by community_id)"
        " from community.community_members"
        " where role = 'admin' group by user_id having bool_or(community_id = %s)"
        " order by user_id limit 1",
        community,
    )
    rows = "select distinct community_id from analytics.parcels_daily order by 1"
    assert Client(project, "authenticated", {"sub": str(admin)}).does(rows) == [
        (each,) for each in own
    ]
    nobody = {"sub": "00000000-0000-0000-0000-00000000dead"}
    assert Client(project, "authenticated", nobody).does(rows) == []
    assert project.answer("access", "check") == []

    # And it is documented where the database is read.
    ((columns, silent, about),) = project.ask(COMMENTS)
    assert (columns, silent) == (5, 0)
    assert about.startswith("Parcels that the guards took in")
