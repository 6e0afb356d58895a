"""The demo: a server with source data, its summary tables, changes, a refresh."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from kpi_demo.cluster import Cluster, default_data_dir
from kpi_demo.server import Server, remove
from kpi_demo.source_data import (
    ALL,
    Change,
    apply_changes,
    create_sources,
    generate,
)
from orchestrator import dbt, refresh_runs
from orchestrator.database import connected, plain_errors
from orchestrator.display import working
from orchestrator.errors import OrchestratorError, UsageError
from orchestrator.project import PROFILES_FILE, Project
from orchestrator.queries import query
from orchestrator.runs import Run
from orchestrator.summaries import Summary, all_summaries
from orchestrator.words import count, pluralize

DATABASE = "demo"
UNFINISHED = "demo_unfinished"
PROFILE = "kpi_summaries"

# A database that can be made again need not wait for the disk.
SETTINGS = {
    "synchronous_commit": "off",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
}


class DemoError(OrchestratorError):
    """The demo came to a halt."""


@dataclass(frozen=True)
class SourceData:
    """What the source data was made from; its history ends at `until`."""

    scale: float
    seed: int
    until: datetime


@dataclass(frozen=True)
class Line:
    """A line of the picture: how something went, what it came to, and a note."""

    name: str
    values: list[Any]
    figure: str
    change_pct: Any
    note: str | None


@dataclass(frozen=True)
class Outcome:
    """All that the final picture shows."""

    url: str
    project_dir: Path
    profiles_dir: Path
    changes: list[Change]
    tenants: dict[str, str]
    runs: list[Run]
    summaries: list[Summary]
    stored: dict[str, int]
    sections: dict[str, list[Line]]


def run(scale: float | None = None, seed: int | None = None) -> Outcome:
    """Do it all, beginning with what an earlier or interrupted demo left.

    Raises UsageError where the data that is there is of another scale or seed.
    """
    with working("Starting PostgreSQL") as work:
        server = Server.start(default_data_dir(), settings=SETTINGS)
        work.done = f"PostgreSQL {server.version} runs on port {server.port}"
    with plain_errors(), _alone(server) as admin:
        data = _source_data(server, admin, scale, seed)
        project = _project(server)
        with connected(project) as connection:
            _build(project)
            changes = _change(connection)
            runs = _refresh(project, connection)
            return _outcome(server, project, connection, data, changes, runs)


def stop() -> str:
    """Stop the server, and say so; its data stays."""
    server = Server.find(default_data_dir())
    if server is None:
        return "The demo's server is not running."
    server.stop()
    return "The demo's server is stopped; 'orchestrator demo' starts it again."


def reset() -> str:
    """Delete the server and all that the demo keeps, and say so."""
    data_dir = default_data_dir()
    cluster = Cluster.at(data_dir)
    if not cluster.folder.exists():
        return "There is no demo to delete."
    if cluster.is_ours():
        shutil.rmtree(_dbt_dir(cluster.folder), ignore_errors=True)
    remove(data_dir)
    return f"The demo's server and its data in {cluster.folder} are deleted."


@contextmanager
def _alone(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """Be the only demo at work here, for the length of a block."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        row = admin.execute(
            "select pg_try_advisory_lock(hashtext('orchestrator demo'))"
        ).fetchone()
        if not (row and row[0]):
            raise DemoError("Another 'orchestrator demo' is at work: wait for its end.")
        yield admin


def _source_data(
    server: Server,
    admin: psycopg.Connection[Any],
    scale: float | None,
    seed: int | None,
) -> SourceData:
    """Return what the source data is made from, made now where there is none."""
    data = _existing(admin)
    if data is None:
        return _generate(server, admin, scale or 1.0, 1 if seed is None else seed)
    if scale not in (None, data.scale) or seed not in (None, data.seed):
        raise UsageError(
            f"The demo's data is there already, of scale {data.scale:g} and seed "
            f"{data.seed}: delete it first with 'orchestrator demo --reset'."
        )
    return data


def _existing(admin: psycopg.Connection[Any]) -> SourceData | None:
    """Read what the database's comment says; there is none before it is complete."""
    row = admin.execute(
        "select shobj_description(oid, 'pg_database') from pg_database"
        " where datname = %s",
        [DATABASE],
    ).fetchone()
    if row is None:
        return None
    noted = json.loads(row[0])
    return SourceData(**{**noted, "until": datetime.fromisoformat(noted["until"])})


def _generate(
    server: Server, admin: psycopg.Connection[Any], scale: float, seed: int
) -> SourceData:
    """Make the source data in a database that gets its name when it is complete."""
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    data = SourceData(scale, seed, until)
    unfinished = sql.Identifier(UNFINISHED)
    with working("Generating source data") as work:
        admin.execute(
            sql.SQL("drop database if exists {} with (force)").format(unfinished)
        )
        admin.execute(sql.SQL("create database {}").format(unfinished))
        with psycopg.connect(server.url(UNFINISHED), autocommit=True) as connection:
            create_sources(connection)
            rows = generate(
                connection,
                scale=scale,
                seed=seed,
                until=until,
                on_progress=lambda table, written: work.tell(
                    f"{count(written)} rows of {table}"
                ),
            )
        noted = json.dumps({**asdict(data), "until": until.isoformat()})
        admin.execute(
            sql.SQL("comment on database {} is {}").format(
                unfinished, sql.Literal(noted)
            )
        )
        admin.execute(
            sql.SQL("alter database {} rename to {}").format(
                unfinished, sql.Identifier(DATABASE)
            )
        )
        work.done = (
            f"Generated {pluralize(sum(rows.values()), 'source row')} in "
            f"{pluralize(len(rows), 'table')} of {len(ALL)} businesses"
        )
    return data


def _project_dir() -> Path:
    """Return the dbt project's folder: the checkout's, or what a wheel has of it."""
    here = Path(__file__).resolve().parent
    installed = here / "project"
    return installed if installed.is_dir() else here.parent


def _dbt_dir(data_dir: Path) -> Path:
    return data_dir / "dbt"


def _project(server: Server) -> Project:
    """Return the project, with a profile of the demo's own and all that dbt writes."""
    folder = _dbt_dir(server.data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    target = {
        "type": "postgres",
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "dbname": DATABASE,
        "schema": "analytics",
        "threads": 2,
    }
    profiles = {PROFILE: {"target": DATABASE, "outputs": {DATABASE: target}}}
    fresh = folder / f"{PROFILES_FILE}.new"
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(profiles, indent=2) + "\n")  # JSON is YAML
    fresh.rename(folder / PROFILES_FILE)
    return Project(
        project_dir=_project_dir(),
        profiles_dir=folder,
        profile=PROFILE,
        target=DATABASE,
        target_path=folder / "target",
        log_path=folder / "logs",
    )


def _build(project: Project) -> None:
    with working("Building") as work:
        built = dbt.build(project, work.listen)
        failed = [result for result in built.results if result.failed]
        if failed:
            raise DemoError(
                f"{len(failed)} of {len(built.results)} steps of dbt build failed, "
                f"the first at {failed[0].name}: {failed[0].message}"
            )
        kinds = [result.kind for result in built.results]
        work.done = (
            f"Built {pluralize(kinds.count('model'), 'model')}, "
            f"passed {pluralize(kinds.count('test'), 'test')}"
        )


def _change(connection: psycopg.Connection[Any]) -> list[Change]:
    with working("Changing source rows") as work:
        changes = apply_changes(connection)
        work.done = f"Changed source rows in {pluralize(len(changes), 'place')}"
    return changes


def _refresh(project: Project, connection: psycopg.Connection[Any]) -> list[Run]:
    with working("Refreshing") as work:
        runs = refresh_runs.refresh_due(project, connection, listener=work.listen)
        for refreshed in runs:
            if refreshed.failed:
                raise DemoError(refreshed.failure)
        work.done = f"Refreshed {pluralize(len(runs), 'summary table')}"
    return runs


def _outcome(
    server: Server,
    project: Project,
    connection: psycopg.Connection[Any],
    data: SourceData,
    changes: list[Change],
    runs: list[Run],
) -> Outcome:
    def ask(name: str, folder: str = "kpi_demo") -> list[tuple[Any, ...]]:
        until = {"until": data.until}
        return connection.execute(query(name, folder), until).fetchall()

    def section(domain: str) -> list[Line]:
        return [Line(*row) for row in ask(domain, "kpi_demo.sections")]

    # What a summary table is made from is not for show.
    summaries = [
        summary
        for summary in all_summaries(connection)
        if summary.relation.replace('"', "").startswith("analytics.")
    ]
    return Outcome(
        url=server.url(DATABASE),
        project_dir=_project_dir(),
        profiles_dir=_dbt_dir(server.data_dir),
        changes=changes,
        tenants=dict(ask("tenants")),
        runs=runs,
        summaries=summaries,
        stored={s.model: _rows_stored(connection, s.relation) for s in summaries},
        sections={domain: section(domain) for domain in ALL},
    )


def _rows_stored(connection: psycopg.Connection[Any], relation: str) -> int:
    """Count a table's rows; its name is as the database wrote it, quotes and all."""
    name = sql.SQL(relation)
    row = connection.execute(sql.SQL("select count(*) from {}").format(name)).fetchone()
    return row[0] if row else 0
