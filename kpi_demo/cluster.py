"""The files of a private PostgreSQL server: one data folder.

    kpi-summaries-server   says that the folder is ours to fill and to remove
    cluster/               what PostgreSQL keeps
    password               of the superuser, for the owner's eyes only
    port                   of the last start
    server.log             of the last start
    lock                   held while a start, stop or removal is at work

Root gives `cluster/` and the log to the account that runs the server, and keeps
the rest.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kpi_demo.account import Account, run_as, server_account
from kpi_demo.binaries import SYSTEM_DIR, major_version
from orchestrator.errors import ServerError

MARKER = "kpi-summaries-server"
SUPERUSER = "postgres"


def default_data_dir() -> Path:
    """Return the demo's data folder: ORCHESTRATOR_DEMO_DIR or the usual place."""
    if chosen := os.environ.get("ORCHESTRATOR_DEMO_DIR"):
        return Path(chosen)
    if server_account() is not None:
        return SYSTEM_DIR / "demo"
    shares = os.environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()
    return Path(shares, "kpi-summaries", "demo")


@dataclass(frozen=True)
class Cluster:
    """A data folder and what it holds; `folder` is its real path."""

    folder: Path

    @classmethod
    def at(cls, data_dir: Path) -> "Cluster":
        """Return the cluster of a folder, whether or not it is there."""
        return cls(data_dir.expanduser().resolve())

    @property
    def files(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.folder / "cluster"

    @property
    def log(self) -> Path:
        """The log of the last start."""
        return self.folder / "server.log"

    @property
    def password(self) -> str:
        """The superuser's password."""
        return (self.folder / "password").read_text().strip()

    @property
    def port(self) -> int | None:
        """The port of the last start, None before the first."""
        port = self.folder / "port"
        return int(port.read_text()) if port.exists() else None

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Wait for, then be, the only one at work on the folder.

        Gives the lock's file descriptor: who else holds it open has the lock too.
        """
        import fcntl  # not on Windows

        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock.fileno()

    def is_ours(self) -> bool:
        """Say whether the folder was made here."""
        return (self.folder / MARKER).exists()

    def claim(self, account: Account | None) -> None:
        """Make the folder and mark it, unless it is ours already.

        Raises ServerError for a folder that holds other files or that `account`
        cannot enter.
        """
        missing = [p for p in [self.folder, *self.folder.parents] if not p.exists()]
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            if account is not None:
                path.chmod(0o755)
        if not self.is_ours():
            # In this order: another start may be marking it right now.
            if any(self.folder.iterdir()) and not self.is_ours():
                raise ServerError(
                    f"{self.folder} holds other files: choose an empty or a new "
                    "folder for the database with ORCHESTRATOR_DEMO_DIR."
                )
            self.folder.chmod(0o700 if account is None else 0o711)
            (self.folder / MARKER).touch()
        if account is not None and not account.may_enter(self.folder):
            raise ServerError(
                f"The account {account.name}, which runs PostgreSQL for root, "
                f"cannot enter {self.folder}: choose another folder with "
                "ORCHESTRATOR_DEMO_DIR."
            )

    def make(self, binaries: Path, account: Account | None, lock: int) -> None:
        """Run initdb, once; the rename at the end makes all of it count, or nothing.

        An initdb that outlives us goes on holding the lock, whose file descriptor
        is `lock`, so that nobody builds where it still writes.

        Raises ServerError if initdb fails or another major version made the files.
        """
        major = major_version(binaries)
        if self.files.exists():
            made_by = (self.files / "PG_VERSION").read_text().strip()
            if made_by != str(major):
                raise ServerError(
                    f"The data in {self.folder} is PostgreSQL {made_by}'s and "
                    f"{binaries} has {major or 'none'}: start again with "
                    "'orchestrator demo --reset'."
                )
            return
        fresh = self.folder / "cluster.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        password = self.folder / "password.new"
        _write_private(password, secrets.token_urlsafe(24) + "\n", account)
        if account is not None:
            account.own(fresh)
        made = run_as(
            account,
            binaries / "initdb",
            *("--pgdata", fresh, "--username", SUPERUSER),
            *("--auth", "scram-sha-256", "--pwfile", password),
            *("--encoding", "UTF8", *_locale(major or 0)),
            *("--no-sync", "--no-instructions"),
            keep_open=[lock],
        )
        if made.returncode != 0:
            raise ServerError(f"PostgreSQL could not make its files: {_reason(made)}.")
        os.chown(password, os.geteuid(), os.getegid())
        password.rename(self.folder / "password")
        fresh.rename(self.files)

    def configure(
        self, settings: Mapping[str, str], port: int, account: Account | None
    ) -> None:
        """Write the settings of the coming start and begin a new log."""
        effective = {
            "timezone": "UTC",
            "log_timezone": "UTC",
            **settings,
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
        }
        lines = [f"{name} = {_quoted(value)}\n" for name, value in effective.items()]
        # Renamed into a folder that is the account's: root must not write there,
        # where a link might lead anywhere.
        conf = self.folder / "postgresql.conf"
        _write_private(conf, "".join(lines), account)
        conf.rename(self.files / "postgresql.conf")
        _write_private(self.log, "", account)
        (self.folder / "port").write_text(f"{port}\n")

    def remove(self) -> None:
        """Delete all that is ours, and the folder unless other files are in it."""
        for files in (self.files, self.folder / "cluster.new"):
            if files.exists():
                shutil.rmtree(files)
        ours = ("password", "password.new", "postgresql.conf", "port", "server.log")
        for name in (*ours, "lock", MARKER):
            (self.folder / name).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


def _write_private(path: Path, text: str, owner: Account | None) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
    if owner is not None:
        owner.own(path)


def _locale(major: int) -> list[str]:
    """Return initdb's options for C.UTF-8, PostgreSQL's own where it has one."""
    if major < 17:
        return ["--locale", "C.UTF-8"]
    provider = ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    return ["--locale", "C", *provider]


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _reason(finished: "subprocess.CompletedProcess[str]") -> str:
    """Return the line of a program's output that says why it failed."""
    lines = [line for line in finished.stdout.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line or "FATAL:" in line]
    return (errors or lines or [f"exit code {finished.returncode}"])[0].rstrip(".")
