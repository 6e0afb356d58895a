"""`orchestrator demo`, from nothing to the picture, for real."""

import os
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Composed, Identifier
from servers import temporary_folder

from kpi_demo.demo import DATABASE, UNFINISHED
from kpi_demo.picture import CHANGES_A_DOMAIN, SECTIONS, sparkline, trend
from kpi_demo.server import Server, remove

COMMAND = [sys.executable, "-m", "orchestrator.cli", "demo"]


class Demo:
    """A data folder of its own to show the demo in."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "demo"
        self.environment = {
            **os.environ,
            "ORCHESTRATOR_DEMO_DIR": str(self.data_dir),
            # None of these is meant for it.
            "DBT_PROFILES_DIR": "/nowhere",
            "DBT_TARGET": "nowhere",
            "COLUMNS": "80",
        }

    def start(self, *options: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*COMMAND, *options],
            cwd=self.data_dir.parent,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*options)
        done = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, *done)

    def value(self, query: str | Composed, database: str = DATABASE) -> object:
        server = Server.find(self.data_dir)
        with psycopg.connect(server.url(database)) as connection:
            return connection.execute(query).fetchone()[0]

    def count(self, model: str) -> object:
        table = Identifier("analytics", model)
        return self.value(SQL("select count(*) from {}").format(table))

    def databases(self) -> list[str]:
        if Server.find(self.data_dir) is None:
            return []
        return self.value("select array_agg(datname) from pg_database", "postgres")


@pytest.fixture(scope="module")
def demo():
    with temporary_folder() as folder:
        demo = Demo(folder)
        yield demo
        demo.run("--reset")


@pytest.fixture(scope="module")
def shown(demo):
    """What a small demo shows, after one that was killed as it began."""
    killed = demo.start("--scale", "2")
    while UNFINISHED not in demo.databases():
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert DATABASE not in demo.databases()

    result = demo.run("--scale", "0.01", "--seed", "7")
    assert result.returncode == 0, result.stderr
    return result


def test_says_what_it_does_on_stderr(shown):
    steps = shown.stderr.splitlines()
    assert len(steps) == 5
    assert steps[0].startswith("PostgreSQL 18.")
    assert steps[1].startswith("Generated ")
    assert "5 businesses" in steps[1]
    assert steps[2].startswith("Built ")
    assert steps[3].startswith("Changed source rows ")
    assert steps[4].startswith("Refreshed ")


def test_ends_on_a_picture(shown):
    for title in SECTIONS.values():
        _, _, section = shown.stdout.partition(f"\n{title}\n")
        lines = section.partition("\n\n")[0].splitlines()
        assert len(lines) == 3, section
        for line in lines:
            assert set(line) & set("▁▂▃▄▅▆▇█")
            assert set(line) & set("▲▼=") or "new" in line
            assert line.rstrip().split("  ")[-1]


def test_tells_of_every_business_and_counts_the_rest(shown):
    _, _, shown = shown.stdout.partition("What happened in the sources\n")
    *changes, rest = shown.partition("\n\n")[0].splitlines()
    assert len(changes) == CHANGES_A_DOMAIN * len(SECTIONS)
    assert all(change.startswith("• ") for change in changes)
    assert "an entry of 40 days ago arrives late" in changes[0]
    assert re.fullmatch(r"  … and \d+ more", rest)


def test_the_picture_fits_the_terminal_but_for_what_is_to_be_copied(shown):
    picture, _, to_copy = shown.stdout.partition("Try next")
    assert max(map(len, picture.splitlines())) <= 80
    assert "postgresql://" in to_copy


def test_says_what_the_refresh_rewrote(shown, demo):
    _, _, table = shown.stdout.partition("What the refresh rewrote\n")
    cells = re.findall(r"(\w+) +([\d,]+) of ([\d,]+)", table.partition("\n\n")[0])
    tables = demo.value(
        "select array_agg(relname::text) from pg_class"
        " where relnamespace = 'analytics'::regnamespace and relkind = 'r'"
    )
    assert sorted(name for name, _, _ in cells) == sorted(tables)
    rewritten = {name: int(rows.replace(",", "")) for name, rows, _ in cells}
    stored = {name: int(rows.replace(",", "")) for name, _, rows in cells}
    assert stored == {name: demo.count(name) for name in tables}
    assert all(rewritten[name] <= stored[name] for name in tables)
    # Wherever a row arrived late.
    for name in (
        "kpi_daily",
        "metrics_daily",
        "revenue_trends",
        "active_learning_days",
        "daily_summaries",
    ):
        assert 0 < rewritten[name] < stored[name]


def test_what_to_try_next_works(shown, demo):
    _, _, to_copy = shown.stdout.partition("Try next, on the database")
    script = to_copy.partition("\n")[2].replace("  orchestrator demo --stop", "")
    environment = {**demo.environment}
    del environment["DBT_PROFILES_DIR"], environment["DBT_TARGET"]
    environment["DBT_TARGET_PATH"] = str(demo.data_dir / "dbt" / "target")
    environment["DBT_LOG_PATH"] = str(demo.data_dir / "dbt" / "logs")
    tried = subprocess.run(
        ["bash", "-euc", f"shopt -s expand_aliases\n{script}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stderr
    assert "27 summaries" in tried.stdout
    assert "success |       1 |            1" in tried.stdout
    assert re.search(r"\d summaries refreshed", tried.stdout)


def test_keeps_the_password_to_itself(shown, demo):
    profile = demo.data_dir / "dbt" / "profiles.yml"
    assert profile.stat().st_mode & 0o077 == 0


def test_a_second_time_uses_the_data_that_is_there(shown, demo):
    made = demo.value("select oid from pg_database where datname = 'demo'")
    entries = demo.value("select count(*) from community.access_logs")
    again = demo.run()
    assert again.returncode == 0, again.stderr
    assert "Generated" not in again.stderr
    assert "What the refresh rewrote" in again.stdout
    assert demo.value("select oid from pg_database where datname = 'demo'") == made
    # One entry arrives late each time.
    assert demo.value("select count(*) from community.access_logs") == entries + 1


@pytest.mark.parametrize("options", [["--scale", "2"], ["--seed", "8"]])
def test_refuses_to_mix_data(shown, demo, options):
    result = demo.run(*options)
    assert result.returncode == 2
    assert "of scale 0.01 and seed 7" in result.stderr
    assert "orchestrator demo --reset" in result.stderr


def test_one_at_a_time(shown, demo):
    server = Server.find(demo.data_dir)
    with psycopg.connect(server.url()) as other:
        other.execute("select pg_advisory_lock(hashtext('orchestrator demo'))")
        result = demo.run()
    assert result.returncode == 1
    assert "Another 'orchestrator demo' is at work" in result.stderr


def test_stops_and_keeps_the_data(shown, demo):
    result = demo.run("--stop")
    assert result.returncode == 0
    assert result.stdout == (
        "The demo's server is stopped; 'orchestrator demo' starts it again.\n"
    )
    assert Server.find(demo.data_dir) is None
    assert demo.run("--stop").stdout == "The demo's server is not running.\n"
    Server.start(demo.data_dir)
    assert DATABASE in demo.databases()


def test_a_reset_leaves_nothing():
    with temporary_folder() as folder:
        demo = Demo(folder)
        server = Server.start(demo.data_dir)
        (demo.data_dir / "dbt").mkdir()
        (demo.data_dir / "dbt" / "profiles.yml").touch()
        result = demo.run("--reset")
        assert result.returncode == 0
        assert not server.is_running()
        assert not demo.data_dir.exists()
        assert demo.run("--reset").stdout == "There is no demo to delete.\n"


def test_a_reset_spares_a_foreign_folder():
    with temporary_folder() as folder:
        demo = Demo(folder)
        (demo.data_dir / "dbt").mkdir(parents=True)
        result = demo.run("--reset")
        assert result.returncode == 1
        assert "left alone" in result.stderr
        assert (demo.data_dir / "dbt").exists()


@pytest.mark.parametrize(
    "options",
    [["--stop", "--reset"], ["--reset", "--scale", "1"], ["--scale", "0"]],
    ids=" ".join,
)
def test_refuses_options_that_make_no_sense(options):
    with temporary_folder() as folder:
        demo = Demo(folder)
        assert demo.run(*options).returncode == 2
        assert not demo.data_dir.exists()
        remove(demo.data_dir)


def test_a_sparkline_shows_highs_and_lows():
    assert sparkline([Decimal(0), Decimal(5), Decimal(10)]) == "▁▅█"
    assert sparkline([Decimal(0)] * 3) == "▁▁▁"
    assert sparkline([]) == ""


def test_a_trend_has_a_direction():
    assert trend(Decimal("12.34")).plain == "▲  12.3 %"
    assert trend(Decimal("-1.5")).plain == "▼   1.5 %"
    assert trend(Decimal(0)).plain == "=   0.0 %"
    assert trend(None).plain == "new"
