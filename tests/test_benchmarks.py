"""The benchmark measures what it says, and what it compares is the same."""

import json

import pytest
from click.testing import CliRunner
from projects import Workplace
from servers import temporary_folder

from benchmarks import __main__ as command
from benchmarks import capture, site, tables, worker
from benchmarks.measure import Results
from orchestrator.project import Project

pytest_plugins = ["projects"]

PARTS = ("refresh", "dashboards", "capture", "worker", "backlog")
HEADINGS = (
    "Ratios, and other bars",
    "One refresh of `metrics_daily`",
    "What a refresh writes",
    "What the triggers cost a writer",
    "What a dashboard waits for",
    "dbt, and a worker",
    "A backlog",
)


@pytest.fixture
def hasty(monkeypatch):
    """In seconds."""
    monkeypatch.setattr(capture, "ROUNDS", 1)
    monkeypatch.setattr(capture, "CLIENTS", (1,))
    monkeypatch.setattr(worker, "IDLE", 0.1)
    monkeypatch.setattr(worker, "SETTLED", 0.0)
    monkeypatch.setattr(worker, "CHANGES", 1)


def bench(*arguments: str):
    result = CliRunner().invoke(command.main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_measures_and_reports_on_tables_that_are_equal(hasty):
    with temporary_folder() as folder:
        where = ("--folder", str(folder))
        parts = ",".join(PARTS)
        bench("measure", "--size", "2k", "--only", parts, "--repetitions", "1", *where)
        bench("report", *where)

        report = (folder / "report" / "README.md").read_text()
        assert all(f"\n## {heading}\n\n" in report for heading in HEADINGS)
        measured = json.loads((folder / "results" / "refresh-2k.json").read_text())
        assert measured["rows_stored"] > 500
        assert measured["rows_that_differ"] == {"view": 0, "minimum": 0}
        written = {
            record["changes"]: record
            for record in measured["records"]
            if record["what"] == "refresh written"
        }
        assert written[0]["wal_bytes_of_table"] == 0
        assert written[0]["rows_replicated"] == 0
        assert written[1]["rows_replicated"] == written[1]["rows_changed"] == 1
        bench("clean", *where)
        assert not (folder / "server").exists()


def test_every_table_has_a_view_with_the_same_keys(whole_project: Workplace, tmp_path):
    whole_project.ask("create schema benchmark")
    whole_project.ask(
        """
        do $$ begin execute format(
            'alter database %I set orchestrator.now = %L', current_database(), now()
        ); end $$
        """
    )
    results = Results(tmp_path, "tables", "2k")
    place = site.Site("2k", whole_project.url, Project())
    tables.measure(place, results, 1)
    results.save()

    measured = json.loads((tmp_path / "tables-2k.json").read_text())["records"]
    published = whole_project.ask(
        "select model from orchestrator.models where relation like '%analytics%'"
    )
    assert {record["what"] for record in measured} == {name for (name,) in published}
    assert {record["rows_that_differ"] for record in measured} == {0}
    assert sum(record["rows_changed"][0] for record in measured) > 0


def test_what_is_unknown_is_refused_in_a_sentence(tmp_path):
    runner = CliRunner()
    result = runner.invoke(command.main, ["measure", "--only", "refresh,flight"])
    assert result.exit_code == 2
    assert "'flight' is unknown: choose from refresh, " in result.stderr
    result = runner.invoke(command.main, ["report", "--folder", str(tmp_path)])
    assert result.exit_code == 2
    assert "measure first, with 'bin/benchmark measure'." in result.stderr
