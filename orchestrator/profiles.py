"""The connection that the project's profile names.

dbt, which says what a profile means, takes seconds to import. Most profiles are written
plainly: values, and environment variables put in for them. These are read here, in
milliseconds; any other is dbt's to read, and to say what is wrong with.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import UsageError
from orchestrator.project import PROFILES_FILE, PROJECT_FILE, Project


@dataclass(frozen=True)
class Credentials:
    """Where and as whom to connect, in dbt-postgres's names and with its defaults."""

    type: str
    host: str
    port: int
    user: str
    database: str
    schema: str
    password: str = field(repr=False)
    connect_timeout: int = 10
    role: str | None = None
    search_path: str | None = None
    keepalives_idle: int = 0
    sslmode: str | None = None
    sslcert: str | None = None
    sslkey: str | None = None
    sslrootcert: str | None = None
    autocommit: bool = False


@dataclass(frozen=True)
class ConnectionProfile:
    """The connection that dbt would use, and where it is written."""

    credentials: Credentials
    target: str
    path: Path


def connection_profile(project: Project) -> ConnectionProfile:
    """Return the connection that the project's profile names.

    Raises UsageError where there is no project and for options that dbt refuses,
    DbtError for a profile that is missing or not complete.
    """
    try:
        return _plain_profile(project)
    except _NotPlainError:
        from orchestrator import dbt

        return dbt.connection_profile(project)


class _NotPlainError(Exception):
    """What is written is for dbt to read."""


def _plain_profile(project: Project) -> ConnectionProfile:
    if project.vars is not None:
        raise _NotPlainError
    path = project.profiles_folder() / PROFILES_FILE
    name = project.profile or os.environ.get("DBT_PROFILE")
    if name is None:
        name = _text(_mapping(project.folder() / PROJECT_FILE).get("profile"))
    profile = _within(_mapping(path), name)
    target = project.target or os.environ.get("DBT_TARGET")
    if target is None:
        target = _text(profile.get("target", "default"))
    output = _within(_within(profile, "outputs"), target)
    return ConnectionProfile(_credentials(output), target, path)


# dbt-postgres's other names, and what has no part in a connection of ours.
_ALIASES = {"pass": "password", "dbname": "database"}
_UNUSED = {"threads", "retries"}


def _credentials(output: Mapping[str, Any]) -> Credentials:
    given: dict[str, Any] = {
        _ALIASES.get(name, name): _rendered(value)
        for name, value in output.items()
        if name not in _UNUSED
    }
    kinds = {each.name: each.type for each in fields(Credentials)}
    for name, value in given.items():
        if name not in kinds or not _fits(value, kinds[name]):
            raise _NotPlainError
    if given.get("type") != "postgres":
        raise _NotPlainError
    try:
        return Credentials(**given)
    except TypeError as error:
        raise _NotPlainError from error


def _fits(value: object, kind: object) -> bool:
    if value is None:
        return kind == (str | None)
    return type(value) is (kind if kind in (int, bool) else str)


_VARIABLE = re.compile(
    r"\{\{\s*env_var\(\s*(['\"])(?P<name>\w+)\1\s*"
    r"(?:,\s*(['\"])(?P<default>[^'\"]*)\3\s*)?\)\s*(?P<number>\|\s*int\s*)?\}\}"
)


def _rendered(value: object) -> object:
    """Return a setting with the environment's variables in it."""
    if not isinstance(value, str):
        return value
    if (whole := _VARIABLE.fullmatch(value)) and whole["number"]:
        number = _variable(whole)
        if not number.isdecimal():
            raise UsageError(
                f"{whole['name']} is {number!r}, and the profile wants a number of it."
            )
        return int(number)
    return _text(_VARIABLE.sub(_variable, value))


def _variable(found: re.Match[str]) -> str:
    value = os.environ.get(found["name"], found["default"])
    if value is None or "{" in value:
        raise _NotPlainError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or re.search(r"\{[{%#]", value):
        raise _NotPlainError
    return value


def _within(outer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = outer.get(name)
    if not isinstance(inner, Mapping):
        raise _NotPlainError
    return inner


def _mapping(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_bytes())
    except yaml.reader.ReaderError as error:
        raise UsageError(f"{path} is not text in UTF-8: {error.reason}.") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _NotPlainError from error
    if not isinstance(content, Mapping):
        raise _NotPlainError
    return content
