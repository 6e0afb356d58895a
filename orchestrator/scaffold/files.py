"""A project's files: what is to be written, and added to what is there.

All contents are known before the first file is written; one that is there is changed
only where the result, parsed, is what was there and the addition.
"""

import re
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from orchestrator.errors import UsageError
from orchestrator.project import PROJECT_FILE


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


def insert(
    written: Files, path: tuple[str, ...], values: dict[str, Any], text: str = ""
) -> None:
    """Add a mapping below a path of dbt_project.yml, and leave all else as it is."""
    before = written.read(PROJECT_FILE) or ""
    wanted = deepcopy(parsed(before))
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
    if parsed(after) != wanted:
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


def parsed(text: str) -> dict[str, Any]:
    """Return what a YAML text says, nothing where it is none."""
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError:
        return {}


def project_name(folder: Path) -> str:
    """Return what the dbt project in a folder calls itself."""
    return str(parsed((folder / PROJECT_FILE).read_text()).get("name") or folder.name)


def plain(name: str) -> str:
    """Return a name as dbt and SQL have it without quotes."""
    simple = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    return simple if re.match("[a-z]", simple) else f"kpi_{simple}".rstrip("_")
