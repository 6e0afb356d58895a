"""The dbt project at work, and which connection of its profile."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestrator.errors import UsageError

PROJECT_FILE = "dbt_project.yml"
PROFILES_FILE = "profiles.yml"
SUFFIXES = (".sql", ".yml", ".yaml", ".md")


@dataclass(frozen=True)
class Project:
    """What a caller says of the project; what is None, dbt's environment says.

    `project_dir` is else the folder at hand or the nearest above it that is a
    dbt project. `profiles_dir` is else, as for dbt, the folder at hand, then the
    project, then ~/.dbt.
    """

    project_dir: Path | None = None
    profiles_dir: Path | None = None
    profile: str | None = None
    target: str | None = None
    vars: str | None = None
    target_path: Path | None = None
    log_path: Path | None = None

    def options(self) -> list[str]:
        """Return the options that tell dbt all this.

        Raises UsageError where there is no project.
        """
        options = {
            "--project-dir": self._project_dir(),
            "--profiles-dir": self._profiles_dir(),
            "--profile": self.profile,
            "--target": self.target,
            "--vars": self.vars,
            "--target-path": self.target_path,
            "--log-path": self.log_path,
        }
        return [
            part
            for option, value in options.items()
            if value is not None
            for part in (option, str(value))
        ]

    def folder(self) -> Path:
        """Return the dbt project's folder; raises UsageError where there is none."""
        return self._project_dir()

    def profiles_folder(self) -> Path:
        """Return where profiles.yml is; raises UsageError where there is no project."""
        return self._profiles_dir() or Path.home() / ".dbt"

    def target_folder(self) -> Path:
        """Return where dbt keeps what it has read of the project.

        Raises UsageError where there is no project.
        """
        named = self.target_path or os.environ.get("DBT_TARGET_PATH") or "target"
        return self._project_dir() / named

    def checksum(self) -> str:
        """Return a hash of what dbt builds: the project's files and the vars given.

        Raises UsageError where there is no project.
        """
        root = self._project_dir()
        digest = hashlib.sha256(f"{version('dbt-core')} {self.vars or ''}".encode())
        for path in sorted(self._project_paths(root)):
            with suppress(FileNotFoundError):  # it has just gone
                digest.update(f"\0{path.relative_to(root)}\0".encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def files(self) -> dict[Path, tuple[int, int]]:
        """Return when each file that dbt reads was last written, and its size.

        Raises UsageError where there is no project.
        """
        found = {}
        for path in self._paths():
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue  # it has just gone
            found[path] = (stat.st_mtime_ns, stat.st_size)
        return found

    def _paths(self) -> Iterator[Path]:
        yield self.profiles_folder() / PROFILES_FILE
        yield from self._project_paths(self._project_dir())

    def _project_paths(self, root: Path) -> Iterator[Path]:
        yield root / PROJECT_FILE
        settings = _settings(root)
        parts = [settings.get("packages-install-path") or "dbt_packages"]
        for kind in ("model", "macro", "test"):
            parts += settings.get(f"{kind}-paths") or [f"{kind}s"]
        for part in parts:
            for folder, _, names in os.walk(root / part, followlinks=True):
                for name in names:
                    if name.endswith(SUFFIXES):
                        yield Path(folder, name)

    def _project_dir(self) -> Path:
        named = self.project_dir or os.environ.get("DBT_PROJECT_DIR")
        if named:
            folder = Path(named).resolve()
            if not (folder / PROJECT_FILE).is_file():
                raise UsageError(
                    f"{folder} is no dbt project (it has no {PROJECT_FILE}): name "
                    "one with --project-dir."
                )
            return folder
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / PROJECT_FILE).is_file():
                return folder
        raise UsageError(
            f"There is no {PROJECT_FILE} in {here} or above it: go to the dbt "
            "project, name it with --project-dir, or begin one: orchestrator init."
        )

    def _profiles_dir(self) -> Path | None:
        if named := self.profiles_dir or os.environ.get("DBT_PROFILES_DIR"):
            return Path(named).resolve()
        for folder in (Path.cwd(), self._project_dir()):
            if (folder / PROFILES_FILE).is_file():
                return folder
        return None


def _settings(root: Path) -> dict[str, Any]:
    """Return what dbt_project.yml says, nothing while it cannot be read."""
    from dbt.config.project import load_raw_project
    from dbt_common.exceptions import DbtBaseException

    try:
        return load_raw_project(str(root))
    except DbtBaseException:
        return {}
