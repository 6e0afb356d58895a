"""What CONTRIBUTING tells an analyst to write works to the letter."""

import re

from projects import CHECKOUT

pytest_plugins = ["projects"]


def test_a_summary_table_is_one_sql_file_and_one_yaml_file(project):
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    files = re.findall(r"```\w+\n(?:--|#) (models/\S+)\n(.*?)```", text, re.DOTALL)
    assert [name for name, _ in files] == [
        "models/community/parcels_daily.sql",
        "models/community/parcels_daily.yml",
    ]
    copy = project.use_copy()
    for name, content in files:
        (copy / name).write_text(content)
    project.answer("run", "--select", "parcels_daily")

    compared = project.ask(
        "select count(*), count(*) filter (where parcels <> packages_received)"
        " from analytics.parcels_daily"
        " full join analytics.kpi_daily using (community_id, metric_date)"
    )
    assert compared[0][0] > 0
    assert compared[0][1] == 0

    project.ask(
        "insert into community.packages (community_id, received_at)"
        " select id, now() - interval '9 days'"
        " from community.communities order by id limit 1"
    )
    ((status, _, rows, _),) = project.ask(
        "select * from analytics.refresh('parcels_daily')"
    )
    assert (status, rows) == ("success", 1)
    listed = {row["model"] for row in project.answer("status")}
    assert "parcels_daily" in listed
