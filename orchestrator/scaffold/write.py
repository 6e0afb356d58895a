"""Writes a project's settings and engine, and a domain's sources, views, summaries."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from orchestrator.errors import UsageError
from orchestrator.project import PROFILES_FILE, PROJECT_FILE
from orchestrator.scaffold.catalog import NUMBERS, Column, Table
from orchestrator.scaffold.files import Files, insert, parsed, plain, project_name
from orchestrator.scaffold.plan import Plan

ENGINE = "kpi_engine"


def begin(folder: Path, profile: str | None, production: str | None) -> list[str]:
    """Make a folder's dbt project one that has the engine; return what was written.

    In an empty folder that is a new project, with a profile of its own unless one
    is named. `production` is the target of an existing project to publish from.
    Raises UsageError for files that cannot be added to.
    """
    written = Files(folder)
    is_new = not (folder / PROJECT_FILE).is_file()
    project = plain(folder.resolve().name) if is_new else project_name(folder)
    named = {"project": project, "profile": profile or project}
    if is_new:
        written.create(PROJECT_FILE, render("dbt_project.yml", **named))
        written.create(".gitignore", render("gitignore"))
        if profile is None:
            written.create(PROFILES_FILE, render("profile.yml", **named))
    _add_package(written)
    _add_dispatch(written, project)
    if production:
        insert(written, ("vars",), {"production_targets": [production]})
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


def add(folder: Path, chosen: Plan) -> list[str]:
    """Write sources, views and a daily summary for each table; return the paths.

    Raises UsageError, and writes nothing, where a file of the same name is there.
    """
    written = Files(folder)
    project = project_name(folder)
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
    insert(written, ("models", project), yaml.safe_load(block), block)


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
    views = [
        _Selected.of(column, tenants.column if tenants and column is tenant else None)
        for column in columns
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
    known = parsed(text)["sources"][0].get("tables") or []
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
    names = [entry["name"] for entry in parsed(text)["sources"][0]["tables"]]
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
        if parsed(longer).get("packages") != [*packages, entry]:
            raise UsageError(
                f"{name} cannot be added to: add to its packages\n  - local: "
                f"packages/{ENGINE}\nthen run this again."
            )
        written.change(name, longer)
        return
    written.change("packages.yml", render("packages.yml"))


def _add_dispatch(written: Files, project: str) -> None:
    text = written.read(PROJECT_FILE) or ""
    for entry in parsed(text).get("dispatch") or ():
        if ENGINE in entry.get("search_order", ()):
            return
    if "dispatch" in parsed(text):
        raise UsageError(
            f"{PROJECT_FILE} dispatches macros already: have the namespace dbt "
            f"searched in [{project}, {ENGINE}, dbt] there, then run this again."
        )
    written.change(
        PROJECT_FILE, f"{text.rstrip()}\n\n{render('settings.yml', project=project)}"
    )


def _defines(folder: Path, definition: str) -> bool:
    """Whether a project defines such a macro in a file of its own."""
    pattern = re.compile(r"\{%-?\s*" + definition.replace(" ", r"\s+") + r"\b")
    return any(
        pattern.search(path.read_text(errors="replace"))
        for path in folder.glob("macros/**/*.sql")
        if path.name != "engine.sql"
    )


def _version(engine: Path) -> str | None:
    project = engine / PROJECT_FILE
    if not project.is_file():
        return None
    return str(parsed(project.read_text()).get("version"))


def _sum_type(column: Column) -> str:
    kind = NUMBERS[column.type]
    if kind == "numeric":
        return f"numeric(38, {4 if column.scale is None else column.scale})"
    return kind
