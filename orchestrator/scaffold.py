"""Writes dbt projects: what one needs for summary tables, and its first tables.

A file that is there is added to where that is plainly possible, and never changed
otherwise. All contents are known before the first file is written.
"""

import re
import shutil
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from textwrap import indent
from typing import Any

import psycopg
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from psycopg.sql import SQL, Identifier

from orchestrator.catalog import (
    ACTIVE,
    CREATED,
    GONE,
    KEY_TYPES,
    NUMBERS,
    TIME_TYPES,
    USER,
    ZONE,
    Catalog,
    Column,
    Table,
)
from orchestrator.errors import UsageError
from orchestrator.project import PROFILES_FILE, PROJECT_FILE

ENGINE = "kpi_engine"
READERS = ("members", "admins", "authenticated")

# The moment of a tenant's first row.
FIRST_ROW = """(
        select min(facts.{time})
        from {{{{ source('{source}', '{fact}') }}}} as facts
        where facts.{tenant} = tenants.{key}
    )"""

# How long a look at the application's rows may take.
PATIENCE = "5s"


@dataclass(frozen=True)
class Choices:
    """What a caller has chosen of a domain; what is None is proposed."""

    domain: str | None = None
    tenants: str | None = None
    timezone: str | None = None
    time: str | None = None
    readers: str | None = None
    members: str | None = None


@dataclass(frozen=True)
class Tenants:
    """The table of those whose rows the others are, as the calendar has it.

    `column` is what models call its key; the others are SQL.
    """

    table: Table
    key: Column
    column: str
    timezone: str
    is_active: str
    started_at: str

    @property
    def type(self) -> str:
        """The type of the key, as summary tables have it."""
        return "text" if self.key.type == "character varying" else self.key.type


@dataclass(frozen=True)
class Members:
    """The table that says who belongs to which tenant."""

    table: Table
    tenant: str
    user: str


@dataclass(frozen=True)
class Plan:
    """A domain's tables, each with when its rows happened; all is chosen."""

    domain: str
    facts: tuple[tuple[Table, Column], ...]
    tenants: Tenants | None
    timezone: str
    readers: str
    members: Members | None
    suffix: str  # of sources' names, where the project has such

    def source(self, schema: str) -> str:
        """Return the name of the source that a schema's tables are in."""
        return schema + self.suffix


@dataclass
class Files:
    """What is to be written in a project's folder, by path."""

    folder: Path
    contents: dict[Path, str] = field(default_factory=dict)

    def read(self, name: str) -> str | None:
        """Return a file's text as it will be; None where there is no such file."""
        path = self.folder / name
        if path in self.contents:
            return self.contents[path]
        return path.read_text() if path.is_file() else None

    def create(self, name: str, text: str) -> None:
        """Write a new file; raises UsageError where another is there."""
        found = self.read(name)
        if found is not None and found != text:
            raise UsageError(f"{name} is there already, so nothing was written.")
        self.change(name, text)

    def change(self, name: str, text: str) -> None:
        """Write a file that is there, or not."""
        if self.read(name) != text:
            self.contents[self.folder / name] = text

    def write(self) -> list[str]:
        """Write all of it; return what was done to which path, from the folder."""
        done = []
        for path, text in self.contents.items():
            verb = "changed" if path.is_file() else "wrote"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            done.append(f"{verb} {path.relative_to(self.folder)}")
        return done


def begin(folder: Path, profile: str | None, production: str | None) -> list[str]:
    """Make a folder's dbt project one that has the engine; return what was written.

    In an empty folder that is a new project, with a profile of its own unless one
    is named. `production` is the target of an existing project to publish from.
    Raises UsageError for files that cannot be added to.
    """
    written = Files(folder)
    is_new = not (folder / PROJECT_FILE).is_file()
    project = _plain(folder.resolve().name) if is_new else _project_name(folder)
    named = {"project": project, "profile": profile or project}
    if is_new:
        written.create(PROJECT_FILE, render("dbt_project.yml", **named))
        written.create(".gitignore", render("gitignore"))
        if profile is None:
            written.create(PROFILES_FILE, render("profile.yml", **named))
    _add_package(written)
    _add_dispatch(written, project)
    if production:
        _insert(written, ("vars",), {"production_targets": [production]})
    if not _defines(folder, "materialization view"):
        names_schemas = not _defines(folder, "macro generate_schema_name")
        written.create(
            "macros/engine.sql", render("engine.sql", names_schemas=names_schemas)
        )
    engine = folder / "packages" / ENGINE
    shipped = Path(str(files("orchestrator"))) / "packages" / ENGINE
    paths = written.write()
    if _version(engine) != _version(shipped):
        shutil.rmtree(engine, ignore_errors=True)
        shutil.copytree(shipped, engine)
        paths.append(f"wrote packages/{ENGINE}, version {_version(shipped)}")
    return paths


def plan(
    folder: Path,
    connection: psycopg.Connection[Any],
    catalog: Catalog,
    names: Sequence[str],
    choices: Choices,
) -> Plan:
    """Choose what summaries of these tables are made of; proposes what is not chosen.

    Raises UsageError for what there is not, or cannot be summarized.
    """
    facts = []
    for name in names:
        table = catalog.table(name)
        time = table.column(choices.time) if choices.time else table.time()
        if time is None or time.type not in TIME_TYPES:
            raise UsageError(
                f"{table.title} has no column that says when its rows happened: name "
                "a date or a timestamp with --time, or summarize another table."
            )
        facts.append((table, time))
    tables = [table for table, _ in facts]
    domain = choices.domain or _domain(folder, tables[0])
    suffix = _suffix(folder, domain, tables)
    tenants = _tenants(catalog, connection, facts, suffix, choices)
    members = None
    if tenants and choices.readers in (None, "members"):
        members = _members(catalog, tenants, choices)
    return Plan(
        domain,
        tuple(facts),
        tenants,
        choices.timezone or "UTC",
        choices.readers or ("members" if members else "admins"),
        members,
        suffix,
    )


def add(folder: Path, chosen: Plan) -> list[str]:
    """Write sources, views and a daily summary for each table; return the paths.

    Raises UsageError, and writes nothing, where a file of the same name is there.
    """
    written = Files(folder)
    project = _project_name(folder)
    base = f"models/{chosen.domain}"
    if written.read(f"{base}/staging/{chosen.domain}_calendar.sql") is None:
        _add_calendar(written, project, base, chosen)
    for table, time in chosen.facts:
        _add_summary(written, base, chosen, table, time)
    return written.write()


def render(template: str, **values: object) -> str:
    """Return a template of `templates/project` with these values."""
    text: str = TEMPLATES.get_template(template).render(**values)
    return text


# dbt's own braces stay as they are.
TEMPLATES = Environment(
    loader=PackageLoader("orchestrator", "templates/project"),
    variable_start_string="[[",
    variable_end_string="]]",
    block_start_string="[%",
    block_end_string="%]",
    comment_start_string="[#",
    comment_end_string="#]",
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    autoescape=False,
)


def domains(folder: Path) -> list[str]:
    """Return the domains that have a calendar in a project."""
    calendars = folder.glob("models/*/staging/*_calendar.sql")
    return sorted(
        path.parents[1].name
        for path in calendars
        if path.name == f"{path.parents[1].name}_calendar.sql"
    )


def _domain(folder: Path, table: Table) -> str:
    known = domains(folder)
    own = _plain(table.schema)
    if own in known or not known:
        return own if own != "public" else _project_name(folder)
    if len(known) == 1:
        return known[0]
    raise UsageError(
        f"There are the domains {', '.join(known)}: name one, or a new one, with "
        "--domain."
    )


def _tenants(
    catalog: Catalog,
    connection: psycopg.Connection[Any],
    facts: Sequence[tuple[Table, Column]],
    suffix: str,
    choices: Choices,
) -> Tenants | None:
    tables = [table for table, _ in facts]
    if choices.tenants == "none":
        return None
    if choices.tenants:
        table = catalog.table(choices.tenants)
    elif found := catalog.tenants(tables):
        table = found
    else:
        return None
    if len(table.primary_key) != 1:
        raise UsageError(
            f"{table.title} has no primary key of one column, by which others could "
            "say whose a row is."
        )
    key = table.column(table.primary_key[0])
    if key.type not in KEY_TYPES:
        raise UsageError(
            f"The key of {table.title} is of type {key.type}: a tenant's id must be "
            "uuid, bigint, integer, smallint or text."
        )
    for fact in tables:
        if fact.references(table) is None:
            raise UsageError(
                f"{fact.title} has no column that refers to {table.title}: name "
                "another table of tenants with --tenants, or none."
            )
    return Tenants(
        table,
        key,
        column=tables[0].column(str(tables[0].references(table))).alias,
        timezone=_timezone(table, choices.timezone),
        is_active=_is_active(table),
        started_at=_started_at(connection, table, key, facts, suffix),
    )


def _timezone(tenants: Table, chosen: str | None) -> str:
    found = tenants.first(ZONE, "text", "character varying")
    if chosen is None:
        return found.quoted if found else "'UTC'"
    if chosen in [column.name for column in tenants.columns]:
        return tenants.column(chosen).quoted
    return "'" + chosen.replace("'", "''") + "'"


def _is_active(tenants: Table) -> str:
    if active := tenants.first(ACTIVE, "boolean"):
        return f"coalesce({active.quoted}, true)"
    if gone := tenants.first(GONE, *TIME_TYPES):
        return f"{gone.quoted} is null"
    return "true"


def _started_at(
    connection: psycopg.Connection[Any],
    tenants: Table,
    key: Column,
    facts: Sequence[tuple[Table, Column]],
    suffix: str,
) -> str:
    """Return the first moment of a tenant: its own, if no row is from before it."""
    created = tenants.first(CREATED, *TIME_TYPES)
    if created and not any(
        _is_before(connection, tenants, key, created, fact, time)
        for fact, time in facts
    ):
        return created.instant
    firsts = [
        FIRST_ROW.format(
            time=time.instant,
            source=fact.schema + suffix,
            fact=fact.name,
            tenant=fact.column(str(fact.references(tenants))).quoted,
            key=key.quoted,
        )
        for fact, time in facts
    ]
    if created:
        firsts.insert(0, f"tenants.{created.instant}")
    return firsts[0] if len(firsts) == 1 else f"least({', '.join(firsts)})"


def _is_before(
    connection: psycopg.Connection[Any],
    tenants: Table,
    key: Column,
    created: Column,
    fact: Table,
    time: Column,
) -> bool:
    """Whether a row is from before its tenant; so too if that takes long to see."""
    asked = SQL(
        "select exists (select from {fact} as facts inner join {tenants} as tenants"
        " on facts.{tenant} = tenants.{key}"
        " where facts.{time} < tenants.{created}::date)"
    ).format(
        fact=Identifier(fact.schema, fact.name),
        tenants=Identifier(tenants.schema, tenants.name),
        tenant=Identifier(str(fact.references(tenants))),
        key=Identifier(key.name),
        time=Identifier(time.name),
        created=Identifier(created.name),
    )
    try:
        with connection.transaction():
            connection.execute(
                "select set_config('statement_timeout', %s, true)", [PATIENCE]
            )
            ((found,),) = connection.execute(asked).fetchall()
    except psycopg.errors.QueryCanceled:
        return True
    return bool(found)


def _members(catalog: Catalog, tenants: Tenants, choices: Choices) -> Members | None:
    if choices.members:
        table = catalog.table(choices.members)
    elif found := catalog.members(tenants.table):
        table = found
    elif choices.readers == "members":
        raise UsageError(
            f"No table says who belongs to a row of {tenants.table.title}: name one "
            "with --members."
        )
    else:
        return None
    tenant, user = table.references(tenants.table), table.first(USER, *KEY_TYPES)
    if tenant is None or user is None:
        raise UsageError(
            f"{table.title} does not say who belongs to which row of "
            f"{tenants.table.title}: it needs a column that refers to that, and one "
            "such as user_id."
        )
    return Members(table, tenant, user.name)


def _add_calendar(written: Files, project: str, base: str, chosen: Plan) -> None:
    first, time = chosen.facts[0]
    tenants, domain = chosen.tenants, chosen.domain
    if tenants:
        names = (tenants.timezone, tenants.is_active, tenants.started_at)
        read = [
            column
            for column in tenants.table.columns
            if column is tenants.key
            or any(re.search(rf"(?<!\w){re.escape(column.quoted)}\b", n) for n in names)
        ]
        capture = f"{{tenant: {tenants.key.name}}}"
        _add_source(written, base, chosen, tenants.table, read, capture)
    if members := chosen.members:
        read = [members.table.column(name) for name in (members.tenant, members.user)]
        _add_source(written, base, chosen, members.table, read)
    values = {
        "domain": domain,
        "tenants": tenants,
        "timezone": chosen.timezone,
        "source": chosen.source(tenants.table.schema if tenants else first.schema),
        "table": first,
        "time": time,
    }
    calendar = f"{base}/staging/{domain}_calendar"
    written.create(f"{calendar}.sql", render("calendar.sql", **values))
    written.create(f"{calendar}.yml", render("calendar.yml", **values))
    block = render(
        "domain.yml",
        domain=domain,
        tenants=tenants,
        members=chosen.members,
        members_source=chosen.members and chosen.source(chosen.members.table.schema),
        readers=chosen.readers,
    )
    _insert(written, ("models", project), yaml.safe_load(block), block)


def _add_summary(
    written: Files, base: str, chosen: Plan, table: Table, time: Column
) -> None:
    domain, tenants = chosen.domain, chosen.tenants
    tenant = table.column(str(table.references(tenants.table))) if tenants else None
    amounts = [column for column in table.amounts() if column is not time]
    keys = [table.column(name) for name in table.primary_key]
    columns = list(
        dict.fromkeys(
            column for column in [*keys, tenant, time, *amounts] if column is not None
        )
    )
    capture = f"{{{f'tenant: {tenant.name}, ' if tenant else ''}at: [{time.name}]}}"
    _add_source(written, base, chosen, table, columns, capture)
    views = [_Selected.of(column) for column in columns]
    if tenant and tenants:
        views = [
            replace(view, alias=tenants.column) if view.name == tenant.name else view
            for view in views
        ]
    key = [tenants.column, "metric_date"] if tenants else ["metric_date"]
    values = {
        "domain": domain,
        "source": chosen.source(table.schema),
        "tenants_source": tenants and chosen.source(tenants.table.schema),
        "table": table,
        "columns": views,
        "descriptions": _descriptions(table, columns, chosen),
        "time": time,
        "tenants": tenants,
        "timezone": chosen.timezone,
        "rows_column": table.alias,
        "amounts": [column for column in amounts if column.alias != table.alias],
        "amount_types": {column.name: _sum_type(column) for column in amounts},
        "key": f"[{', '.join(key)}]",
    }
    staging = f"{base}/staging/stg_{domain}__{table.alias}"
    summary = f"{base}/summaries/{table.alias}_daily"
    for path, template in ((staging, "staging"), (summary, "summary")):
        for suffix in ("sql", "yml"):
            written.create(f"{path}.{suffix}", render(f"{template}.{suffix}", **values))


@dataclass(frozen=True)
class _Selected:
    """A column as a view has it."""

    name: str
    quoted: str
    alias: str

    @classmethod
    def of(cls, column: Column, alias: str | None = None) -> "_Selected":
        return cls(column.name, column.quoted, alias or column.alias)


def _add_source(
    written: Files,
    base: str,
    chosen: Plan,
    table: Table,
    columns: Sequence[Column],
    capture: str | None = None,
) -> None:
    """Add a table to its schema's sources; raises UsageError if they say too little."""
    source = chosen.source(table.schema)
    path = f"{base}/_{source}__sources.yml"
    text = written.read(path) or render(
        "source.yml", source=source, schema=table.schema
    )
    known = _parsed(text)["sources"][0].get("tables") or []
    for entry in known:
        if entry["name"] == table.name:
            named = {column["name"] for column in entry.get("columns") or ()}
            missing = [c.name for c in columns if c.name not in named]
            if missing or (capture and "capture" not in str(entry)):
                raise UsageError(
                    f"{path} has {table.name} already, and not all that is read of "
                    f"it: add the columns {', '.join(missing)} and `capture: "
                    f"{capture}` there, then run this again."
                )
            return
    about = f"{table.alias.replace('_', ' ').capitalize()}. One row each."
    text = f"{text.rstrip()}\n" + render(
        "source_table.yml",
        table=table,
        about=about,
        capture=capture,
        columns=columns,
        descriptions=_descriptions(table, columns, chosen),
    )
    names = [entry["name"] for entry in _parsed(text)["sources"][0]["tables"]]
    if names != [*(entry["name"] for entry in known), table.name]:
        raise UsageError(
            f"{path} does not end with its tables, so that {table.title} cannot be "
            "added: move what follows them."
        )
    written.change(path, text)


def _descriptions(
    table: Table, columns: Sequence[Column], chosen: Plan
) -> dict[str, str]:
    """Return what a person would begin to say of the columns."""
    tenants = chosen.tenants
    owner = tenants.key.name if tenants and table is tenants.table else None
    if tenants and not owner:
        owner = table.references(tenants.table)
    times = {fact.title: time.name for fact, time in chosen.facts}
    said = {
        column.name: f"{column.alias.replace('_', ' ').capitalize()}."
        for column in columns
    }
    for name in table.primary_key:
        said[name] = "Identifies the row."
    if owner:
        said[owner] = "The tenant."
    if table.title in times:
        said[times[table.title]] = "When it happened."
    return said


def _suffix(folder: Path, domain: str, tables: Sequence[Table]) -> str:
    """Return what sources' names end with: others' of a table are not ours to change.

    A source is named after its schema, unless another file of the project has that.
    """
    schemas = {table.schema for table in tables}
    for path in folder.glob("models/**/*.y*ml"):
        if path.is_relative_to(folder / "models" / domain):
            continue
        for source in _parsed(path.read_text()).get("sources") or ():
            if source.get("name") in schemas:
                return "_kpi"
    return ""


def _add_package(written: Files) -> None:
    entry = {"local": f"packages/{ENGINE}"}
    for name in ("packages.yml", "dependencies.yml"):
        text = written.read(name)
        if text is None:
            continue
        packages = (yaml.safe_load(text) or {}).get("packages")
        if packages is None:
            continue
        if any(str(package.get("local", "")).endswith(ENGINE) for package in packages):
            return
        longer = f"{text.rstrip()}\n  - local: packages/{ENGINE}\n"
        if _parsed(longer).get("packages") != [*packages, entry]:
            raise UsageError(
                f"{name} cannot be added to: add to its packages\n  - local: "
                f"packages/{ENGINE}\nthen run this again."
            )
        written.change(name, longer)
        return
    written.change("packages.yml", render("packages.yml"))


def _add_dispatch(written: Files, project: str) -> None:
    text = written.read(PROJECT_FILE) or ""
    for entry in _parsed(text).get("dispatch") or ():
        if ENGINE in entry.get("search_order", ()):
            return
    if "dispatch" in _parsed(text):
        raise UsageError(
            f"{PROJECT_FILE} dispatches macros already: have the namespace dbt "
            f"searched in [{project}, {ENGINE}, dbt] there, then run this again."
        )
    written.change(
        PROJECT_FILE, f"{text.rstrip()}\n\n{render('settings.yml', project=project)}"
    )


def _insert(
    written: Files, path: tuple[str, ...], values: dict[str, Any], text: str = ""
) -> None:
    """Add a mapping below a path of dbt_project.yml, and leave all else as it is."""
    before = written.read(PROJECT_FILE) or ""
    wanted = deepcopy(_parsed(before))
    place = wanted
    for key in path:
        place[key] = place.get(key) or {}
        place = place[key]
    if all(place.get(key) == value for key, value in values.items()):
        return
    place.update(values)
    block = text or yaml.safe_dump(values, default_flow_style=None)
    lines = before.rstrip("\n").splitlines()
    at, depth = len(lines), 0
    for level, key in enumerate(path):
        found = _line_of(lines, key, "  " * level, at if level else 0)
        if found is None:
            missing = "".join(
                f"{'  ' * (level + below)}{name}:\n"
                for below, name in enumerate(path[level:])
            )
            block = missing + indent(block, "  " * len(path))
            if level == 0:
                block = "\n" + block
            break
        at, depth = found + 1, level + 1
    else:
        block = indent(block, "  " * depth)
    after = "\n".join([*lines[:at], block.rstrip("\n"), *lines[at:]]) + "\n"
    if _parsed(after) != wanted:
        raise UsageError(
            f"{PROJECT_FILE} cannot be added to by itself. Below "
            f"{' and '.join(path)}, add\n{text or block}\nthen run this again."
        )
    written.change(PROJECT_FILE, after)


def _line_of(lines: list[str], key: str, spaces: str, start: int) -> int | None:
    for number in range(start, len(lines)):
        if re.fullmatch(rf"{spaces}{re.escape(key)}:\s*(#.*)?", lines[number]):
            return number
        if start and re.match(r"\S", lines[number]) and lines[number][0] != "#":
            return None
    return None


def _parsed(text: str) -> dict[str, Any]:
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError:
        return {}


def _defines(folder: Path, definition: str) -> bool:
    """Whether a project defines such a macro in a file of its own."""
    pattern = re.compile(r"\{%-?\s*" + definition.replace(" ", r"\s+") + r"\b")
    return any(
        pattern.search(path.read_text(errors="replace"))
        for path in folder.glob("macros/**/*.sql")
        if path.name != "engine.sql"
    )


def _project_name(folder: Path) -> str:
    return str(_parsed((folder / PROJECT_FILE).read_text()).get("name") or folder.name)


def _version(engine: Path) -> str | None:
    project = engine / PROJECT_FILE
    if not project.is_file():
        return None
    return str(_parsed(project.read_text()).get("version"))


def _plain(name: str) -> str:
    plain = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    return plain if re.match("[a-z]", plain) else f"kpi_{plain}".rstrip("_")


def _sum_type(column: Column) -> str:
    kind = NUMBERS[column.type]
    if kind == "numeric":
        return f"numeric(38, {4 if column.scale is None else column.scale})"
    return kind
