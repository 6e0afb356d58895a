"""The status page, as a browser shows it and as a worker serves it."""

import socket
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import psycopg
import pytest
from browser import look
from prometheus_client.parser import text_string_to_metric_families
from psycopg.sql import SQL, Identifier
from workers import start_worker, until

pytest_plugins = ["projects"]

HOSTILE = '<b>x</b><script>document.title = "taken"</script>'
UNDO = "<img src=x onerror='document.title=1'>"


@pytest.fixture
def troubled(project):
    """A project in which something is wrong, by names that are up to no good."""
    project.ask("update orchestrator.models set refreshed_through = now() + '1 day'")
    project.ask("select orchestrator.open_incident('kpi_daily', 'drift', %s)", UNDO)
    project.ask(
        """
        insert into orchestrator.models (
            model, relation, calendar, cadence, upstream, sources
        )
        values (%s, 'nowhere', 'nowhere', '{"every": "hour"}', '{}', '{}')
        """,
        HOSTILE,
    )
    project.ask(
        """
        update orchestrator.models
        set charts = jsonb_set(charts, '{0,title}', to_jsonb(%s::text))
        where model = 'kpi_daily'
        """,
        HOSTILE,
    )
    return project


def test_a_browser_shows_it_on_a_desk_and_on_a_phone(troubled, tmp_path):
    file = tmp_path / "status.html"
    assert troubled.call("status", "--html", str(file)).exit_code == 0
    html = file.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["status.html"]
    models = troubled.ask("select model from orchestrator.models")
    papers = set()
    for width, dark in ((1200, False), (390, False), (390, True)):
        seen = look(html, tmp_path, width, dark=dark)
        assert seen["width"] == seen["needed"] == width
        assert seen["requests"] == 0
        assert seen["injected"] == 0
        assert seen["title"] == "✖ test: summary tables"
        assert seen["headings"][0] == "Summary tables of test"
        assert "Something is wrong: 1 not built of 5 summaries" in seen["text"]
        assert f"Open incident (drift) {UNDO}" in seen["text"]
        assert set(seen["models"]) == {model for (model,) in models}
        assert seen["models"][0] == HOSTILE
        assert HOSTILE in seen["charts"]
        assert len(seen["charts"]) == seen["described"] >= 5
        assert seen["bars"] > 100
        papers.add(seen["paper"])
    assert len(papers) == 2  # it is dark where the reader's system is


TOKEN = "0123456789abcdef"


def call(url, path="", form=None, **headers):
    """What a browser with the token is answered, also by a page that it is sent to."""
    data = urlencode(form).encode() if form else None
    headers = {"Authorization": f"Bearer {TOKEN}", **headers}
    try:
        with urlopen(Request(url + path, data, headers), timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers, error.read().decode()


@pytest.fixture
def served(project):
    """The address of a worker that has been started with a token."""
    worker = start_worker(project, "--http", "127.0.0.1:0", "--http-token", TOKEN)
    try:
        worker.says("The status page is at ", "metrics_daily success")
        yield worker.said.partition("The status page is at ")[2].split()[0]
        assert worker.stop() == 0
        assert "Traceback" not in worker.said
    finally:
        worker.process.kill()
        worker.process.wait()


def test_each_table_has_a_page_that_answers_what_an_operator_asks(
    project, served, tmp_path
):
    project.ask("select orchestrator.open_incident('kpi_daily', 'drift', %s)", UNDO)
    account = project.value(
        "select account_id::text from analytics.metrics_daily"
        " group by 1 order by count(*) desc limit 1"
    )
    index = call(served)[2]
    for (model,) in project.ask("select model from orchestrator.models"):
        assert f'href="tables/{model}"' in index
        status, _, html = call(served, f"tables/{model}")
        assert status == 200
        assert len(html) < 200_000
    papers = set()
    for width, dark in ((1280, False), (390, False), (390, True)):
        html = call(served, "tables/kpi_daily")[2]
        seen = look(html, tmp_path, width, dark=dark)
        assert seen["width"] == seen["needed"] == width
        assert seen["requests"] == 0
        assert seen["injected"] == 1  # the script that loads it again
        assert seen["headings"] == [
            "Summary table analytics.kpi_daily",
            "What is wrong",
            "Figures, of all tenants together",
            "Requests that wait",
            "Last runs",
            "Lineage",
            "Who reads it",
            "Definition",
        ]
        assert f"Open incident (drift) {UNDO}" in seen["text"]
        assert "community.access_logs" in seen["text"]
        assert "kpi_monthly" in seen["text"]
        papers.add(seen["paper"])
    assert len(papers) == 2

    shown = call(served, f"tables/metrics_daily?tenant={account}")[2]
    assert f"Figures, of account_id {account}" in shown
    orders_chart = look(shown, tmp_path, 1280)
    assert "Orders" in orders_chart["charts"]
    everyone = call(served, "tables/metrics_daily")[2]
    assert everyone.count("<rect") >= shown.count("<rect") > 0
    found = call(served, f"tables/metrics_daily?search={account[:8]}")[2]
    assert account in found
    assert (
        "No id has these letters"
        in call(served, "tables/metrics_daily?search=%25%27--")[2]
    )
    assert call(served, "tables/kpi_daily?status=error")[0] == 200
    assert call(served, "tables/kpi_daily?sort=took&status=success")[0] == 200
    assert call(served, "?q=weekly&sort=name")[2].count('href="tables/') == 1
    status, _, said = call(served, "tables/kpi_dayly")
    assert status == 404
    assert "did you mean kpi_daily?" in said


def test_an_operator_with_the_token_pauses_resumes_and_rebuilds(project, served):
    page = "tables/kpi_weekly"
    pause = {"action": "pause", "length": "8 hours", "reason": "<b>moving</b>"}
    foreign = {"Origin": "http://evil.example"}
    assert call(served, page, pause, **foreign)[0] == 403
    assert call(served, page, {"action": "drop"})[0] == 404
    _, _, html = call(served, page, pause)
    assert "kpi_weekly is paused" in html
    assert "&lt;b&gt;moving&lt;/b&gt;" in html
    assert project.value("select count(*) from orchestrator.pauses") == 1
    _, _, html = call(served, page, {"action": "resume"})
    assert "kpi_weekly is paused" not in html
    project.ask("truncate analytics.kpi_weekly")
    call(served, page, {"action": "rebuild"})
    until(lambda: project.count("kpi_weekly") > 0)
    call(served, page, {"action": "refresh"})
    assert 'value="rebuild"' in html


def test_a_page_that_cannot_be_written_is_an_error_in_a_sentence(project, tmp_path):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "status.html"
    code, sentence = project.refuse("status", "--html", str(place))
    assert code == 1
    assert sentence == f"{place} cannot be written: Not a directory."
    printed = project.call("status", "--html", "-").stdout
    assert printed.startswith("<!doctype html>")
    assert project.refuse("status", "--json", "--html", "-")[0] == 2

    project.ask("drop function orchestrator.chart_points(text, text)")
    code, sentence = project.refuse("status", "--html", "-")
    assert code == 1
    assert sentence.endswith(
        "; if another version has built the database: orchestrator install"
    )


def get(url, path=""):
    try:
        with urlopen(url + path, timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_a_worker_serves_it_whatever_happens_and_stops(troubled, server):
    worker = start_worker(troubled, "--http", "127.0.0.1:0")
    try:
        worker.says("The status page is at ")
        said = worker.said.partition("The status page is at ")[2]
        url = said.split()[0]

        with psycopg.connect(troubled.url) as other:  # as dbt replaces a table
            other.execute("lock table analytics.kpi_daily in access exclusive mode")
            status, headers, html = get(url)
            assert status == 200
            assert "<h1>Summary tables of test</h1>" in html
            assert "The figures cannot be read now: " in html
            assert 'value="rebuild"' not in get(url, "tables/kpi_weekly")[2]
        until(lambda: "<svg" in get(url)[2], lambda: worker.said)
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "<b>x</b>" not in html

        status, headers, text = get(url, "metrics")
        assert (status, headers["Content-Type"].partition(";")[0]) == (
            200,
            "text/plain",
        )
        assert "orchestrator_open_incidents" in {
            family.name for family in text_string_to_metric_families(text)
        }
        assert get(url, "healthz")[::2] == (200, "ok\n")
        assert get(url, "profiles.yml")[0] == 404

        port = urlsplit(url).port
        code, sentence = troubled.refuse("worker", "--http", f":{port}")
        assert code == 1
        assert sentence.startswith(f"Port {port} of 127.0.0.1 is taken by another")
        code, sentence = troubled.refuse("worker", "--http", str(port))
        assert code == 2
        assert sentence.endswith("write :9090 for this machine alone, or HOST:9090.")

        close_the_door(server, "false")
        for path in ("", "metrics", "healthz"):
            until(lambda path=path: get(url, path)[0] == 503, lambda: worker.said)
            assert get(url, path)[2].startswith('The database "test" at ')
        close_the_door(server, "true")
        until(lambda: get(url)[0] == 200, lambda: worker.said)

        with socket.create_connection(("127.0.0.1", port)):  # and asks for nothing
            assert worker.stop() == 0
        assert "Traceback" not in worker.said
        with pytest.raises(ConnectionError):
            socket.create_connection(("127.0.0.1", port))
    finally:
        worker.process.kill()
        worker.process.wait()
        close_the_door(server, "true")


def close_the_door(server, is_open):
    """Let everybody into the test's database, or throw everybody out."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        door = SQL("alter database test allow_connections {}").format(
            Identifier(is_open)
        )
        connection.execute(door)
        if is_open == "false":
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = 'test'"
            )
