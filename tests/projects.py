"""Databases in which the project is built, and the command line to use on them.

A test module that wants them says `pytest_plugins = ["projects"]`.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
from click.testing import CliRunner, Result
from dbt.cli.main import dbtRunner
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from servers import temporary_folder

from kpi_demo.server import Server
from kpi_demo.source_data import ALL, create_sources, generate
from orchestrator.cli import main

CHECKOUT = Path(__file__).resolve().parents[1]

# Most tests do with two domains: to parse and to build all takes far longer.
FEW = ("community", "restaurant")

# Of how many communities a day has ended since the template was built.
DAYS_ENDED = """
select count(*)
from orchestrator.models, orchestrator.int_community__calendar
where
    (refreshed_through at time zone timezone)::date
    < (now() at time zone timezone)::date
"""

# What a copy of the project needs to be one.
DBT_FILES = (
    "dbt_project.yml",
    "selectors.yml",
    "macros",
    "models",
    "tests/singular",
    "orchestrator/packages",
)


@dataclass(frozen=True)
class Installation:
    """A dbt project, and the folder in which dbt remembers it between tests."""

    project_dir: Path
    target: Path

    def copy_to(self, folder: Path) -> None:
        for name in DBT_FILES:
            source = self.project_dir / name
            if source.is_dir():
                shutil.copytree(source, folder / name)
            elif source.exists():
                folder.mkdir(exist_ok=True)
                shutil.copy(source, folder / name)


@dataclass
class Workplace:
    """A database and a profile for it, to call the command line on."""

    url: str
    folder: Path
    installation: Installation
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.write_profile()
        self.environment = {
            "DBT_PROJECT_DIR": str(self.installation.project_dir),
            "DBT_PROFILES_DIR": str(self.folder),
            "DBT_TARGET_PATH": str(self.installation.target),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "COLUMNS": "80",
        }

    def write_profile(self, **changes: object) -> None:
        """Write profiles.yml, for this database unless a setting is given."""
        login = conninfo_to_dict(self.url)
        target = {
            "type": "postgres",
            "host": login["host"],
            "port": int(login["port"]),
            "user": login["user"],
            "password": login["password"],
            "dbname": login["dbname"],
            "schema": "analytics",
            "threads": 2,
            **changes,
        }
        profiles = {"kpi_summaries": {"target": "test", "outputs": {"test": target}}}
        (self.folder / "profiles.yml").write_text(json.dumps(profiles))

    def use_copy(self) -> Path:
        """Work on a copy of the dbt project, which may be changed; return it."""
        copy = self.folder / "project"
        self.installation.copy_to(copy)
        self.environment["DBT_PROJECT_DIR"] = str(copy)
        self.environment["DBT_TARGET_PATH"] = str(self.folder / "target")
        # dbt then reads again the files that the test changes, and no others.
        parsed = self.installation.target / "partial_parse.msgpack"
        if parsed.exists():
            (self.folder / "target").mkdir(exist_ok=True)
            shutil.copy(parsed, self.folder / "target")
        return copy

    def call(self, *arguments: str) -> Result:
        """Call `orchestrator` in this process."""
        result = CliRunner().invoke(main, arguments, env=self.environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def answer(self, *arguments: str) -> Any:
        """Call `orchestrator` with --json and return what it prints."""
        result = self.call(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def refuse(self, *arguments: str) -> tuple[int, str]:
        """Call what must fail; return the exit code and its one sentence."""
        result = self.call(*arguments)
        assert result.exit_code != 0, result.output
        assert "Traceback" not in result.output
        *usage, sentence = result.stderr.strip().splitlines()
        assert sentence.startswith("Error: ")
        assert not usage or usage[0].startswith("Usage: "), result.stderr
        return result.exit_code, sentence.removeprefix("Error: ")

    def dbt(self, *arguments: str) -> bool:
        """Call dbt itself, as its command does; return whether all succeeded."""
        with mock.patch.dict(os.environ, self.environment):
            return dbtRunner().invoke(["--quiet", *arguments]).success

    def ask(self, query: str, *values: object) -> list[TupleRow]:
        """Return the rows of a query, nothing for a statement that has none."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query, values or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *values: object) -> Any:
        """Return the one value of a query."""
        ((value,),) = self.ask(query, *values)
        return value

    def count(self, model: str) -> int:
        """Return how many rows a summary table has."""
        with psycopg.connect(self.url) as connection:
            table = Identifier("analytics", model)
            cursor = connection.execute(SQL("select count(*) from {}").format(table))
            return cursor.fetchall()[0][0]


@contextmanager
def named_database(server: Server, name: str, template: str) -> Iterator[str]:
    """The connection string of a copy of `template`, dropped afterwards.

    Its name is always the same, so that dbt sees no change in the profile.
    """
    copied = Identifier(name), Identifier(template)
    drop = SQL("drop database if exists {} with (force)").format(copied[0])
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(SQL("create database {} template {}").format(*copied))
        yield server.url(name)
        connection.execute(drop)


def rename_test(server: Server, name: str) -> str:
    """Make a template of the database of a test; return its name."""
    names = Identifier("test"), Identifier(name)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(SQL("alter database {} rename to {}").format(*names))
    return name


@contextmanager
def workplace(url: str, installation: Installation) -> Iterator[Workplace]:
    """A workplace on a database, whose profile goes afterwards."""
    with temporary_folder() as folder:
        yield Workplace(url, folder, installation)


@pytest.fixture(scope="session")
def installation(server: Server) -> Iterator[Installation]:
    """The project with few of its domains, for each server one."""
    with temporary_folder() as folder:
        few = Installation(folder / "project", folder / "target")
        Installation(CHECKOUT, few.target).copy_to(few.project_dir)
        for domain in set(ALL) - set(FEW):
            shutil.rmtree(few.project_dir / "models" / domain)
            shutil.rmtree(few.project_dir / "tests" / "singular" / domain)
        settings = few.project_dir / "dbt_project.yml"
        domains = f"  domains: [{', '.join(FEW)}]"
        text, found = re.subn(
            "^  domains: .*$", domains, settings.read_text(), flags=re.MULTILINE
        )
        assert found == 1
        settings.write_text(text)
        yield few


@pytest.fixture(scope="session")
def whole_installation(server: Server) -> Iterator[Installation]:
    """The project as it is, for each server one."""
    with temporary_folder() as folder:
        yield Installation(CHECKOUT, folder)


@pytest.fixture(scope="session")
def source_template(server: Server) -> Iterator[str]:
    """The name of a database with a little source data of the few domains."""
    with named_database(server, "sources", "template1") as url:
        fill(url, FEW)
        yield "sources"


@pytest.fixture(scope="session")
def built_template(
    server: Server, source_template: str, installation: Installation
) -> Iterator[str]:
    """The name of a database in which dbt has built the few domains."""
    with (
        named_database(server, "test", source_template) as url,
        workplace(url, installation) as place,
    ):
        place.answer("run")
        yield rename_test(server, "built")


@pytest.fixture(scope="session")
def whole_template(server: Server, whole_installation: Installation) -> Iterator[str]:
    """The name of a database in which dbt has built every domain."""
    with (
        named_database(server, "test", "template1") as url,
        workplace(url, whole_installation) as place,
    ):
        fill(url, ALL)
        place.answer("run")
        yield rename_test(server, "whole")


def fill(url: str, domains: Iterable[str]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        create_sources(connection, domains)
        until = datetime.now(UTC)
        generate(connection, scale=0.01, seed=1, until=until, domains=domains)


@pytest.fixture
def sources(
    server: Server, source_template: str, installation: Installation
) -> Iterator[Workplace]:
    """A database of this test's own with source data, in which nothing is built."""
    with (
        named_database(server, "test", source_template) as url,
        workplace(url, installation) as place,
    ):
        yield place


@pytest.fixture
def project(
    server: Server, built_template: str, installation: Installation
) -> Iterator[Workplace]:
    """A database of this test's own in which few domains are built and fresh."""
    with (
        named_database(server, "test", built_template) as url,
        workplace(url, installation) as place,
    ):
        if place.value(DAYS_ENDED):
            for model in ("kpi_daily", "kpi_weekly", "kpi_monthly", "metrics_daily"):
                place.ask("select * from analytics.refresh(%s)", model)
        yield place


@pytest.fixture
def whole_project(
    server: Server, whole_template: str, whole_installation: Installation
) -> Iterator[Workplace]:
    """A database of this test's own in which every domain is built and fresh."""
    with (
        named_database(server, "test", whole_template) as url,
        workplace(url, whole_installation) as place,
    ):
        yield place


@pytest.fixture
def empty(server: Server, installation: Installation) -> Iterator[Workplace]:
    """A database of this test's own that has nothing in it."""
    with (
        named_database(server, "test", "template1") as url,
        workplace(url, installation) as place,
    ):
        yield place
