"""The databases that are measured, and the dbt projects on them.

A private PostgreSQL with the settings of a production server has one database a
size. In most are the restaurants alone, on a copy of the project whose
`metrics_daily` is refreshed each minute, and at once after an order's change, so
that both can be watched.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier, Literal

from kpi_demo.cluster import default_data_dir
from kpi_demo.server import Server
from kpi_demo.source_data import ALL, create_sources, generate
from orchestrator.errors import OrchestratorError
from orchestrator.project import Project
from orchestrator.queries import query

CHECKOUT = Path(__file__).resolve().parents[1]
DBT_FILES = (
    "dbt_project.yml",
    "macros",
    "models",
    "tests/singular",
    "orchestrator/packages",
)

# Calls, by the size's name; 0.4 orders and reservations come with each.
SIZES = {
    "2k": 2_000,
    "100k": 100_000,
    "1m": 1_000_000,
    "10m": 10_000_000,
    "50m": 50_000_000,
}
ACCOUNTS = 5_000
CALLS_A_DAY = 5.5  # of each account
DEMO_ROWS = 333_000  # that the demo's data has at scale 1

CADENCE = "cadence: {every: 5 minutes, job: refresh-metrics-daily}"
WATCHED = "cadence: {every: 1 minutes, job: refresh-metrics-daily}"
AT_ONCE = "immediate: [orders]"


def default_folder() -> Path:
    """Return where the server and the results are kept: beside the demo's."""
    return default_data_dir().with_name("benchmark")


class BenchmarkError(OrchestratorError):
    """Something did not do what was to be measured."""


@dataclass(frozen=True)
class Site:
    """A database, and the project that is built in it."""

    size: str
    url: str
    project: Project

    @property
    def calls(self) -> int:
        """How many calls were loaded."""
        return SIZES[self.size]

    @property
    def accounts(self) -> int:
        """How many accounts there are; few in the size that is only for trying."""
        return min(ACCOUNTS, self.calls // 20)

    @property
    def days(self) -> float:
        """How many days the calls came in: what grows with the size."""
        return self.calls / (self.accounts * CALLS_A_DAY)

    def connect(self) -> psycopg.Connection[Any]:
        """Return a connection that commits each statement by itself."""
        return psycopg.connect(
            self.url, autocommit=True, cursor_factory=psycopg.ClientCursor
        )

    def process(self, *command: str) -> subprocess.Popen[str]:
        """Start dbt or the orchestrator as a process of its own, as cron would."""
        environment = {
            **os.environ,
            "DBT_PROJECT_DIR": str(self.project.project_dir),
            "DBT_PROFILES_DIR": str(self.project.profiles_dir),
            "DBT_TARGET_PATH": str(self.project.target_path),
            "DBT_LOG_PATH": str(self.project.log_path),
        }
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def command(self, *command: str) -> None:
        """Run such a process to its end; an error if it fails."""
        process = self.process(*command)
        shown, _ = process.communicate()
        if process.returncode:
            raise BenchmarkError(f"{' '.join(command)} failed:\n{shown}")

    def compiled(self, model: str) -> bytes:
        """Return a model's query as dbt compiles it, over all periods there are."""
        self.command("dbt.cli.main", "compile", "--select", model)
        (path,) = Path(str(self.project.target_path), "compiled").rglob(f"{model}.sql")
        return path.read_bytes()


def run(
    connection: psycopg.Connection[Any], name: str, **values: object
) -> list[tuple[Any, ...]]:
    """Run a named file of SQL; return the rows of its last statement."""
    cursor = connection.execute(query(name, "benchmarks.sql"), values or None)
    while cursor.nextset():
        pass
    return cursor.fetchall() if cursor.description else []


def settings() -> dict[str, str]:
    """Return the server's: durable, with a quarter of the memory for its buffers."""
    megabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_level": "logical",
        "shared_buffers": f"{min(megabytes // 4, 8192)}MB",
        "effective_cache_size": f"{megabytes // 2}MB",
        "maintenance_work_mem": "512MB",
        "work_mem": "32MB",
        "max_wal_size": "8GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
    }


def start_server(folder: Path) -> Server:
    """Start the server, unless it runs."""
    return Server.start(folder / "server", settings=settings())


def restaurants(folder: Path, server: Server, size: str) -> Site:
    """Return the restaurants' database of a size, loaded and built if it is not."""
    project_dir = folder / "project"
    copied = project_dir / "copied"  # which version of it
    if not copied.exists() or copied.read_text() != _version():
        shutil.rmtree(project_dir, ignore_errors=True)
        _copy_project(project_dir)
        copied.write_text(_version())
    return _site(folder, server, f"restaurants_{size}", size, project_dir)


def all_domains(folder: Path, server: Server, size: str) -> Site:
    """Return the database of all domains, of about as many source rows."""
    return _site(folder, server, f"all_domains_{size}", size, CHECKOUT)


def _site(
    folder: Path, server: Server, database: str, size: str, project_dir: Path
) -> Site:
    place = folder / database
    place.mkdir(parents=True, exist_ok=True)
    _write_profile(place, server.url(database))
    project = Project(
        project_dir=project_dir,
        profiles_dir=place,
        target_path=place / "target",
        log_path=place / "logs",
    )
    site = Site(size, server.url(database), project)
    with psycopg.connect(server.url(), autocommit=True) as admin:
        # A database's comment says that it is whole, and built from which version.
        known = admin.execute(
            "select shobj_description(oid, 'pg_database') from pg_database"
            " where datname = %s",
            [database],
        ).fetchone()
        if known == (_version(),):
            return site
        name = Identifier(database)
        if known is None or known == (None,):
            admin.execute(SQL("drop database if exists {} with (force)").format(name))
            admin.execute(SQL("create database {}").format(name))
            _load(site, is_whole=project_dir == CHECKOUT)
        else:
            site.command("orchestrator.cli", "run")
        comment = SQL("comment on database {} is {}")
        admin.execute(comment.format(name, Literal(_version())))
    return site


def _load(site: Site, *, is_whole: bool) -> None:
    """Fill a database and build the project in it."""
    with site.connect() as connection:
        run(connection, "prepare")
        if is_whole:
            create_sources(connection, ALL)
            run(connection, "stop_clock")
            ((until,),) = connection.execute("select now()").fetchall()
            generate(connection, scale=site.calls / DEMO_ROWS, seed=1, until=until)
        else:
            create_sources(connection, ["restaurant"])
            with connection.transaction():
                run(connection, "set_aside_indexes")
                run(connection, "load_accounts", accounts=site.accounts)
                run(
                    connection,
                    "load_calls",
                    accounts=site.accounts,
                    calls=site.calls,
                    days=site.days,
                )
            create_sources(connection, ["restaurant"])  # the indexes again
        connection.execute("vacuum analyze")
    site.command("orchestrator.cli", "run")
    with site.connect() as connection:
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


@cache
def _version() -> str:
    """Return a hash of the dbt project's files."""
    digest = hashlib.sha256()
    for name in DBT_FILES:
        root = CHECKOUT / name
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _write_profile(place: Path, url: str) -> None:
    login = conninfo_to_dict(url)
    target = {
        "type": "postgres",
        "host": login["host"],
        "port": int(str(login["port"])),
        "user": login["user"],
        "password": login["password"],
        "dbname": login["dbname"],
        "schema": "analytics",
        "threads": 2,
    }
    profiles = {"kpi_summaries": {"target": "here", "outputs": {"here": target}}}
    (place / "profiles.yml").write_text(json.dumps(profiles))


def _copy_project(copy: Path) -> None:
    """Copy the project with the restaurants alone, and quicker ones at that."""
    for name in DBT_FILES:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, copy / name)
        else:
            copy.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy / name)
    for folder in (copy / "models", copy / "tests" / "singular"):
        for domain in set(ALL) - {"restaurant"}:
            shutil.rmtree(folder / domain, ignore_errors=True)
    _replace(copy / "dbt_project.yml", "domains: .*", "domains: [restaurant]")
    _replace(
        copy / "models/restaurant/metrics_daily.yml",
        re.escape(CADENCE),
        f"{WATCHED}\n        {AT_ONCE}",
    )


def _replace(path: Path, pattern: str, text: str) -> None:
    changed, found = re.subn(f"(?m)^( +){pattern}$", rf"\1{text}", path.read_text())
    if found != 1:
        raise BenchmarkError(f"{path} no longer has one line {pattern!r}.")
    path.write_text(changed)
