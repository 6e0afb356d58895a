"""Every function that is installed passes PostgreSQL's own checker, plpgsql_check.

It finds what a function would trip over at the first call of some branch: a column or
a function that is not there, a type that cannot be.
"""

import os

import pytest

pytest_plugins = ["projects"]

CHECKED = """
select checked.oid::regprocedure::text, found.lineno, found.message
from pg_proc as checked
inner join pg_language on pg_language.oid = prolang and lanname = 'plpgsql'
left join lateral (
    select tgrelid from pg_trigger where tgfoid = checked.oid limit 1
) as trigger on true
cross join lateral plpgsql_check_function_tb(
    checked.oid, coalesce(trigger.tgrelid, 0),
    oldtable => case when prorettype = 'trigger'::regtype then 'old_rows' end,
    newtable => case when prorettype = 'trigger'::regtype then 'new_rows' end
) as found
where
    pronamespace in ('orchestrator'::regnamespace, 'analytics'::regnamespace)
    and prorettype <> 'event_trigger'::regtype
    and found.level = 'error'
    -- What is there only while a statement runs, or with pg_cron.
    and found.message !~
    '"pg_temp"|relation "(pg_temp|cron|analytics\\.cron_job_status|changed_rows)'
order by 1, 2
"""


@pytest.mark.parametrize("server", [15], indirect=True, ids=["pg15"])
def test_every_function_passes_the_checker(whole_project):
    if not whole_project.value(
        "select exists (select from pg_available_extensions"
        " where name = 'plpgsql_check')"
    ):
        missing = "plpgsql_check is not installed on this system"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    whole_project.ask("create extension plpgsql_check")
    checked = (
        "select count(*) from pg_proc where pronamespace = 'orchestrator'::regnamespace"
    )
    assert whole_project.value(checked) > 100
    assert whole_project.ask(CHECKED) == []
