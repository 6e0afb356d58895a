"""Who reads and does what, as the specification says it, tried by every client."""

import json
import uuid

import psycopg
import pytest
from clients import REFUSED, Client

pytest_plugins = ["projects"]

DENIED = "Access denied: Admin role required"

TABLES = {
    "community": ["kpi_daily", "kpi_weekly", "kpi_monthly"],
    "restaurant": ["metrics_daily"],
    "rental": [
        "dashboard_kpis",
        "revenue_trends",
        "booking_trends",
        "equipment_utilization",
        "customer_cohorts",
        "support_sla",
        "financial_summary",
        "alert_candidates",
    ],
    "learning": [
        "active_learning_days",
        "popular_tracks",
        "streak_dropoffs",
        "quiz_completion_rates",
        "review_session_usage",
        "explanation_engagement",
        "summary_stats",
    ],
    "plant": ["daily_summaries", "live_snapshots", "safety_events"],
}
TENANT = {"community": "community_id", "restaurant": "account_id"}

# For admins, with arguments that make sense.
ADMIN_FUNCTIONS = {
    "refresh": "'kpi_weekly'",
    "refresh_all_views": "",
    "manual_refresh": "",
    "health_check": "",
    "compute_daily_kpis": "'{community}', current_date - 3",
    "compute_weekly_kpis": "'{community}', date_trunc('week', now())::date - 7",
    "compute_monthly_kpis": "'{community}', 2026, 10",
    "compute_all_daily_kpis": "current_date - 3",
    "compute_all_weekly_kpis": "date_trunc('week', now())::date - 7",
    "compute_all_monthly_kpis": "2026, 10",
    "backfill_kpis": "'{community}', current_date - 3, current_date - 2",
    "refresh_kpis": "'{community}'",
    "refresh_metrics_daily": "",
    **{f"get_{name}": "" for name in TABLES["learning"]},
}
# For admins too, but in want of pg_cron.
CRON_FUNCTIONS = {"get_cron_job_status"}
# What policies and the freshness view are made of: each tells callers of their own.
CLIENT_FUNCTIONS = {
    "is_admin",
    "readable_community_ids",
    "readable_account_ids",
    "freshness_for_caller",
}

FORGED = {
    "user_metadata": {"role": "admin"},
    "role": "admin",
    "is_admin": True,
    "app_role": "admin",
}

# Claims that no sound token has, and that make nobody of the caller.
MALFORMED = [
    "",
    "not json",
    "[]",
    "null",
    '"admin"',
    "{}",
    '{"sub": "not-a-uuid"}',
    '{"sub": ""}',
    '{"sub": 7}',
    '{"sub": null, "app_metadata": null}',
    '{"sub": ["{member}"]}',
    '{"sub": "{member}\' or true --"}',
    '{"sub": {"sub": "{member}"}}',
    '{"app_metadata": "admin"}',
    '{"app_metadata": ["role", "admin"]}',
    '{"app_metadata": {"role": ["admin"]}}',
    '{"app_metadata": {"role": "Admin"}}',
    '{"app_metadata": {"role": "admin "}}',
    '{"app_metadata": {"roles": ["admin"]}}',
    '{"app_metadata.role": "admin"}',
    '{"raw_app_meta_data": {"role": "admin"}}',
    '{"user_metadata": {"app_metadata": {"role": "admin"}}}',
    '{"sub": "\\u0000"}',
]


@pytest.fixture
def people(whole_project):
    """Users of two tenants of each domain that has some, by what they are there.

    The tenants of A and of B are different ones.
    """
    place = whole_project
    tenants = {
        "community": place.ask("select id from community.communities order by id"),
        "restaurant": place.ask("select id from restaurant.accounts order by id"),
    }
    a = {domain: ids[0][0] for domain, ids in tenants.items()}
    b = {domain: ids[1][0] for domain, ids in tenants.items()}
    users = {name: uuid.uuid4() for name in ("admin of A", "member of A", "admin of B")}
    for name, role in (("admin of A", "admin"), ("member of A", "resident")):
        place.ask(
            "insert into community.community_members values (%s, %s, %s)",
            a["community"],
            users[name],
            role,
        )
        place.ask(
            "insert into restaurant.account_members values (%s, %s)",
            a["restaurant"],
            users[name],
        )
    place.ask(
        "insert into community.community_members values (%s, %s, 'admin')",
        b["community"],
        users["admin of B"],
    )
    place.ask(
        "insert into restaurant.account_members values (%s, %s)",
        b["restaurant"],
        users["admin of B"],
    )
    return users, a, b


def clients(place, users):
    """Every kind of client, by name."""
    member = str(users["admin of A"])
    authenticated = {
        **{name: {"sub": str(user)} for name, user in users.items()},
        "user of nothing": {"sub": str(uuid.uuid4())},
        "user without a claim": {},
        "forger": {"sub": str(uuid.uuid4()), **FORGED},
        "platform admin": {"app_metadata": {"role": "admin"}},
        **{f"malformed {text}": text.replace("{member}", member) for text in MALFORMED},
    }
    return {
        "anon": Client(place, "anon"),
        "anon with claims": Client(
            place, "anon", {"sub": member, "app_metadata": {"role": "admin"}}
        ),
        "service role": Client(place, "service_role"),
        **{
            name: Client(place, "authenticated", claims)
            for name, claims in authenticated.items()
        },
    }


def expected_rows(domain, name, own, total):
    """How many rows a client reads of a table, by the domain's access section."""
    if name.startswith("anon") or domain == "learning":
        return REFUSED
    if domain == "plant" or name in ("service role", "platform admin"):
        return total
    if domain == "community" and name in ("admin of A", "admin of B"):
        return own[name]
    if domain == "restaurant" and name in own:
        return own[name]
    return 0


def test_everybody_reads_what_the_specification_gives_them(whole_project, people):
    users, a, b = people
    tables = [(domain, table) for domain in TABLES for table in TABLES[domain]]
    totals, owned = {}, {}
    for domain, table in tables:
        totals[table] = whole_project.count(table)
        assert totals[table] > 0
        for name, tenant in (("admin of A", a), ("member of A", a), ("admin of B", b)):
            owned[table, name] = domain in TENANT and whole_project.value(
                f"select count(*) from analytics.{table} where {TENANT[domain]} = %s",
                tenant[domain],
            )
    differing = {}
    for name, client in clients(whole_project, users).items():
        outcomes = client.tries(
            *(f"select * from analytics.{table}" for _, table in tables)
        )
        for (domain, table), outcome in zip(tables, outcomes, strict=True):
            own = {who: owned[table, who] for who in users}
            expected = expected_rows(domain, name, own, totals[table])
            seen = outcome if outcome == REFUSED else len(outcome)
            if seen != expected:
                differing[name, table] = seen, expected
    assert differing == {}
    # A's rows are A's, not as many of someone else's.
    for name, tenant in (("admin of A", a), ("admin of B", b)):
        seen = clients(whole_project, users)[name].tries(
            "select distinct community_id from analytics.kpi_daily",
            "select distinct account_id from analytics.metrics_daily",
        )
        assert seen == [[(tenant["community"],)], [(tenant["restaurant"],)]]


def test_nobody_writes_but_the_service_role_where_the_specification_says(
    whole_project, people
):
    users, _, _ = people
    ways = {
        "insert": "insert into analytics.{0} select * from analytics.{0} limit 0",
        "blind insert": "insert into analytics.{0} default values",
        "update": "update analytics.{0} set {1} = {1}",
        "delete": "delete from analytics.{0}",
        "truncate": "truncate analytics.{0}",
        "lock": "lock analytics.{0} in access exclusive mode",
        "alter": "alter table analytics.{0} disable row level security",
        "policy": "create policy mine on analytics.{0} using (true)",
        "trigger": "create trigger mine before insert on analytics.{0}"
        " execute function suppress_redundant_updates_trigger()",
    }
    column = dict(
        whole_project.ask(
            "select attrelid::regclass::text, min(attname) from pg_attribute"
            " inner join pg_class on pg_class.oid = attrelid"
            " where relnamespace = 'analytics'::regnamespace and attnum > 0"
            " and relkind = 'r' group by attrelid"
        )
    )
    tables = [(domain, table) for domain in TABLES for table in TABLES[domain]]
    done = set()
    for name, client in clients(whole_project, users).items():
        if name.startswith("malformed"):
            continue  # no role of their own
        tried = [
            (domain, table, way, sql.format(table, column[f"analytics.{table}"]))
            for domain, table in tables
            for way, sql in ways.items()
            if (name, domain, way) != ("service role", "plant", "blind insert")
        ]
        outcomes = client.tries(*(statement for *_, statement in tried))
        for (domain, _, way, _), outcome in zip(tried, outcomes, strict=True):
            if outcome != REFUSED:
                done.add((name, domain, way))
    assert done == {
        ("service role", "plant", way) for way in ("insert", "update", "delete")
    } | {("service role", "plant", "lock")}


def test_every_function_lets_in_whom_it_is_for(whole_project, people):
    users, a, _ = people
    found = whole_project.ask(
        "select distinct proname from pg_proc"
        " where pronamespace = 'analytics'::regnamespace"
    )
    assert {name for (name,) in found} == (
        {*ADMIN_FUNCTIONS} | CRON_FUNCTIONS | CLIENT_FUNCTIONS
    )
    calls = {
        name: f"select * from analytics.{name}({arguments.format(**a)})"
        for name, arguments in ADMIN_FUNCTIONS.items()
    }
    everybody = clients(whole_project, users)
    cron = [f"select * from analytics.{name}()" for name in CRON_FUNCTIONS]
    own = [f"select * from analytics.{name}()" for name in CLIENT_FUNCTIONS]
    for name, client in everybody.items():
        if name in ("platform admin", "service role"):
            outcomes = dict(zip(calls, client.tries(*calls.values()), strict=True))
            assert {
                call for call, seen in outcomes.items() if seen in (REFUSED, DENIED)
            } == set()
            assert len(outcomes["get_popular_tracks"]) == whole_project.count(
                "popular_tracks"
            )
            assert outcomes["refresh"][0][0] == "success"
            continue
        refusal = REFUSED if name.startswith("anon") else DENIED
        assert set(client.tries(*calls.values(), *cron)) == {refusal}, name
        if refusal == REFUSED:
            assert set(client.tries(*own)) == {REFUSED}
    assert everybody["admin of A"].does("select analytics.is_admin()") == [(False,)]
    assert everybody["platform admin"].does("select analytics.is_admin()") == [(True,)]
    for name, expected in (("admin of A", [(a["community"],)]), ("member of A", [])):
        readable = "select analytics.readable_community_ids()"
        assert everybody[name].does(readable) == expected


def test_a_login_that_may_become_a_client_is_none_until_it_does(whole_project):
    # As PostgREST's own: it inherits nothing of the roles that it may take.
    whole_project.ask("create role kpi_test_login login noinherit")
    try:
        whole_project.ask("grant authenticated, service_role to kpi_test_login")
        with psycopg.connect(whole_project.url, autocommit=True) as connection:
            connection.execute("set session authorization kpi_test_login")
            for query in (
                "select * from analytics.kpi_daily",
                "select analytics.refresh('kpi_daily')",
                "select * from orchestrator.models",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(query)
            connection.execute("set role authenticated")
            rows = connection.execute("select * from analytics.kpi_daily").fetchall()
            assert rows == []
    finally:
        whole_project.ask("drop role kpi_test_login")


def test_nothing_internal_can_be_reached(whole_project, people):
    users, _, _ = people
    relations = whole_project.ask(
        "select format('select * from %s', pg_class.oid::regclass) from pg_class"
        " where relnamespace = 'orchestrator'::regnamespace"
        " and relkind in ('r', 'v')"
    )
    functions = whole_project.ask(
        "select format('select %s(%s)', pg_proc.oid::regproc, (select string_agg("
        " format('null::%s', format_type(type, null)), ', ')"
        " from unnest(proargtypes) as type)) from pg_proc"
        " where pronamespace = 'orchestrator'::regnamespace and prokind = 'f'"
        " and prorettype <> 'trigger'::regtype"
    )
    procedures = whole_project.ask(
        "select proname, grantee::regrole::text"
        " from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))"
        " where pronamespace = 'orchestrator'::regnamespace and grantee <> proowner"
    )
    assert procedures == []
    statements = [statement for (statement,) in relations + functions]
    assert len(statements) > 30
    everybody = clients(whole_project, users)
    for name in ("anon", "admin of A", "platform admin", "service role"):
        assert set(everybody[name].tries(*statements)) == {REFUSED}, name


def test_freshness_is_told_of_what_a_caller_may_read(whole_project, people):
    users, a, b = people
    whole_project.ask(
        "insert into orchestrator.refresh_queue (model, tenant, reason, requested_at)"
        " values ('kpi_daily', %s, 'test', '2026-01-01'),"
        " ('revenue_trends', null, 'test', '2026-02-01')",
        a["community"],
    )
    everybody = clients(whole_project, users)
    query = "select model, tenant_id, as_of, is_late from analytics.data_freshness"

    def shown(name):
        return {row[:2]: row[2:] for row in everybody[name].does(query)}

    plant = {(table, None) for table in TABLES["plant"]}
    mine = {(table, str(a["community"])) for table in TABLES["community"]}
    account = ("metrics_daily", str(a["restaurant"]))
    assert everybody["anon"].does(query) == REFUSED
    assert shown("admin of A").keys() == plant | mine | {account}
    assert shown("member of A").keys() == plant | {account}
    assert shown("user of nothing").keys() == plant
    for name in clients(whole_project, users):
        if name.startswith("malformed"):
            assert shown(name).keys() == plant
    everything = shown("platform admin")
    assert everything == shown("service role")
    assert {model for model, _ in everything} == {
        table for tables in TABLES.values() for table in tables
    }
    (as_of,) = {
        as_of
        for (model, _), (as_of, _) in everything.items()
        if model == "revenue_trends"
    }
    assert as_of.month == 2
    assert everything["kpi_daily", str(a["community"])][0].month == 1
    assert everything["kpi_daily", str(b["community"])][0].month != 1
    assert not any(is_late for _, is_late in everything.values())
    whole_project.ask(
        "update orchestrator.models set refreshed_through = now() - interval '2 hours'"
        " where model in ('revenue_trends', 'support_sla', 'kpi_daily')"
    )
    late = {
        model for (model, _), (_, is_late) in shown("service role").items() if is_late
    }
    assert late == {"revenue_trends", "support_sla"} or late == {"support_sla"}


HOSTILE = [
    "'; drop table analytics.kpi_daily; --",
    "kpi_daily' or '1' = '1",
    'kpi_daily"; drop schema analytics cascade; --',
    "$$; drop schema orchestrator cascade; $$",
    "%s %I %L {0}",
    "kpi_daily\\'; select pg_sleep(10); --",
    "",
    "кпи",
    "x" * 5000,
]


def test_hostile_arguments_are_data(project):
    before = project.count("kpi_daily")
    functions = project.ask(
        "select oid::regproc::text, proargtypes::regtype[]::text[] from pg_proc"
        " where pronamespace in"
        " ('analytics'::regnamespace, 'orchestrator'::regnamespace)"
        " and prokind = 'f' and prorettype <> 'trigger'::regtype and pronargs > 0"
        # What runs a query is given it, by the owner alone.
        " and proname <> 'replace_view' and proname !~ '^request_'"
    )
    assert len(functions) > 20
    failures = []
    with psycopg.connect(project.url) as connection:
        # To the text that an argument is, whatever type it is then read as.
        for text in HOSTILE:
            for function, types in functions:
                call = f"select {function}({', '.join(f'%s::{t}' for t in types)})"
                taken = ("text", "jsonb", "uuid", "date")
                values = [text if t in taken else None for t in types]
                try:
                    with connection.transaction(force_rollback=True):
                        connection.execute(call, values)
                except psycopg.errors.SyntaxError as error:
                    failures.append((call, text, str(error)))
                except psycopg.Error:
                    pass
        connection.rollback()
    assert failures == []
    for text in HOSTILE[:7]:
        for claims in ({"sub": text}, {"app_metadata": {"role": text}}, text):
            client = Client(project, "authenticated", claims)
            assert client.does("select * from analytics.kpi_daily") == []
    assert project.count("kpi_daily") == before


def test_hostile_options_are_refused_in_a_sentence(project):
    before = project.count("kpi_daily")
    for text in HOSTILE[:4]:
        for call in (
            ["refresh", text],
            ["refresh", "kpi_daily", "--tenant", text],
            ["refresh", "kpi_daily", "--from", text],
            ["run", "--cadence", text],
        ):
            code, sentence = project.refuse(*call)
            assert code == 2, sentence
    assert project.count("kpi_daily") == before


def test_hostile_settings_are_refused_or_data(project):
    project.use_copy()
    before = project.count("kpi_daily")
    settings = json.dumps({"publication": HOSTILE[2], "trusted_roles": HOSTILE})
    checked = project.call("access", "check", "--vars", settings)
    assert checked.stdout == "Access is as the models declare.\n"
    settings = json.dumps({"restaurant_schema": HOSTILE[2], "domains": ["restaurant"]})
    code, sentence = project.refuse("run", "--vars", settings)
    assert code == 1
    assert sentence.startswith("There is no source table")
    assert project.count("kpi_daily") == before


# What Supabase's linter looks for, each as a query that finds offenders, by its
# public description.
LINTS = {
    "row-level security is disabled on a table in an exposed schema": """
        select oid::regclass from pg_class
        where relkind in ('r', 'p') and not relrowsecurity
            and relnamespace = 'analytics'::regnamespace
    """,
    "a table has policies and its row-level security is off": """
        select oid::regclass from pg_class
        where not relrowsecurity
            and oid in (select polrelid from pg_policy)
    """,
    "row-level security is on and there is no policy": """
        select oid::regclass from pg_class
        where relrowsecurity and oid not in (select polrelid from pg_policy)
            and relnamespace in
            ('analytics'::regnamespace, 'orchestrator'::regnamespace)
    """,
    "a function's search_path is its caller's": """
        select oid::regprocedure from pg_proc
        where pronamespace in
            ('analytics'::regnamespace, 'orchestrator'::regnamespace)
            and not coalesce(proconfig::text, '') like '%search_path=%'
            -- A procedure that commits, or calls one that does, cannot set
            -- anything for itself; what triggers call for each row is to be an
            -- expression of theirs, and a view's query a part of the query.
            and not (
                pronamespace = 'orchestrator'::regnamespace
                and not prosecdef
                and (
                    prokind = 'p' and prosrc ~ '\\m(commit;|call orchestrator)'
                    or proname = 'affected_range'
                    or proname like 'read\\_%'
                )
            )
    """,
    "a view reads with the rights of who made it": """
        select oid::regclass from pg_class
        where relkind = 'v' and relnamespace = 'analytics'::regnamespace
            and not coalesce(reloptions::text, '') like '%security_invoker=true%'
    """,
    "a materialized view or a foreign table is exposed": """
        select oid::regclass from pg_class
        where relkind in ('m', 'f') and relnamespace = 'analytics'::regnamespace
    """,
    "a view exposes auth.users": """
        select rewritten.ev_class::regclass
        from pg_depend inner join pg_rewrite as rewritten
            on rewritten.oid = pg_depend.objid
        where refobjid = to_regclass('auth.users')
    """,
    "a policy calls a function for each row": """
        select polrelid::regclass, polname
        from pg_policy
        cross join lateral concat(
            pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
        ) as expression
        where regexp_replace(
            expression, 'SELECT[^()]*\\(\\)[^()]* AS [a-z_]+', '', 'g'
        ) ~ '[a-z_]+\\.[a-z_]+ *\\(|current_setting'
    """,
    "a policy trusts what a user may edit": """
        select polrelid::regclass::text, polname from pg_policy
        where pg_get_expr(polqual, polrelid) ~ 'user_metadata'
        union all
        select oid::regproc::text, proname from pg_proc
        where pronamespace in
            ('analytics'::regnamespace, 'orchestrator'::regnamespace)
            and prosrc ~ 'user_metadata'
    """,
    "a role has several permissive policies for one command": """
        select polrelid::regclass, role, command
        from pg_policy
        cross join unnest(polroles) as role
        cross join unnest(case polcmd
            when '*' then array['r', 'a', 'w', 'd']::"char" [] else array[polcmd]
        end) as command
        where polpermissive
        group by 1, 2, 3
        having count(*) > 1
    """,
    "a policy lets clients write whatever they like": """
        select polrelid::regclass, polname from pg_policy
        where polcmd <> 'r' and polroles && array[
            0, 'anon'::regrole, 'authenticated'::regrole
        ]::oid []
    """,
    "a policy is for everybody": """
        select polrelid::regclass, polname from pg_policy
        where 0 = any(polroles) or 'anon'::regrole = any(polroles)
    """,
    "anonymous callers may execute what runs as its owner": """
        select oid::regprocedure from pg_proc
        where prosecdef and has_function_privilege('anon', oid, 'execute')
            and pronamespace in
            ('analytics'::regnamespace, 'orchestrator'::regnamespace)
    """,
    "a table has no primary key": """
        select oid::regclass from pg_class
        where relkind = 'r' and relnamespace = 'analytics'::regnamespace
            and oid not in (select conrelid from pg_constraint where contype = 'p')
    """,
    "two indexes are the same": """
        select indrelid::regclass, indkey, indclass, indpred, indoption
        from pg_index inner join pg_class on pg_class.oid = indrelid
        where relnamespace in
            ('analytics'::regnamespace, 'orchestrator'::regnamespace)
        group by 1, 2, 3, 4, 5
        having count(*) > 1
    """,
}


def test_each_foreign_key_has_an_index_and_each_function_a_comment(whole_project):
    assert (
        whole_project.ask(
            """
        select conrelid::regclass::text, conname
        from pg_constraint
        where
            contype = 'f'
            and connamespace::regnamespace::text in ('analytics', 'orchestrator')
            and not exists (
                select from pg_index
                where
                    indrelid = conrelid and indpred is null and indkey[0] = conkey[1]
            )
        """
        )
        == []
    )
    assert (
        whole_project.ask(
            """
        select oid::regprocedure::text from pg_proc
        where
            pronamespace::regnamespace::text in ('analytics', 'orchestrator')
            and proname !~ '^(capture|request|claim|compute|read)_'
            and obj_description(oid, 'pg_proc') is null
        """
        )
        == []
    )
    # What only reads says so, so that a read replica may serve it.
    assert (
        whole_project.ask(
            """
        select proname from pg_proc
        where
            pronamespace = 'analytics'::regnamespace
            and proname ~ '^(get_|readable_|health_check|is_admin)'
            and provolatile = 'v'
        """
        )
        == []
    )


def test_supabases_linter_would_find_nothing(whole_project):
    found = {name: whole_project.ask(query) for name, query in LINTS.items()}
    assert {name: rows for name, rows in found.items() if rows} == {}


def test_roles_and_functions_of_supabase_are_left_as_they_are(sources):
    sources.ask(
        "create schema auth; create function auth.uid() returns uuid language sql"
        " stable as $$ select '00000000-0000-0000-0000-000000000007'::uuid $$;"
        " create function auth.jwt() returns jsonb language sql stable as"
        " $$ select current_setting('request.jwt.claims', true)::jsonb $$;"
        " grant usage on schema auth to public"
    )
    query = (
        "select proname, md5(prosrc), obj_description(oid) from pg_proc"
        " where pronamespace = 'auth'::regnamespace"
        " and proname in ('uid', 'jwt') order by 1"
    )
    before = sources.ask(query)
    sources.answer("run", "-s", "metrics_daily")
    assert sources.ask(query) == before
    assert sources.value("select to_regprocedure('auth.role()')") is None
    sources.ask(
        "insert into restaurant.account_members select id, %s"
        " from restaurant.accounts order by id limit 1",
        "00000000-0000-0000-0000-000000000007",
    )
    client = Client(sources, "authenticated", {"app_metadata": {}})
    rows = client.does("select distinct account_id from analytics.metrics_daily")
    assert len(rows) == 1
    assert json.loads(client.claims) == {"app_metadata": {}}


def test_a_schema_auth_that_is_anothers_gets_no_function(sources):
    """As on Supabase before its auth service has run, whose migrations make them."""
    sources.ask("create schema auth; grant usage on schema auth to public")
    sources.answer("run", "-s", "metrics_daily")
    assert (
        sources.ask(
            "select proname from pg_proc where pronamespace = 'auth'::regnamespace"
        )
        == []
    )
    (user, account), *_ = sources.ask(
        "select user_id, account_id from restaurant.account_members order by 1, 2"
    )
    everyone = "select count(distinct account_id) from analytics.metrics_daily"
    member = Client(sources, "authenticated", {"sub": str(user)})
    admin = Client(sources, "authenticated", {"app_metadata": {"role": "admin"}})
    stranger = Client(sources, "authenticated", {"sub": str(uuid.uuid4())})
    assert account in {
        tenant
        for (tenant,) in member.does("select account_id from analytics.metrics_daily")
    }
    assert admin.does(everyone) == sources.ask(everyone)
    assert stranger.does(everyone) == [(0,)]
