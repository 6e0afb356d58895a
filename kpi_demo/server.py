"""A private PostgreSQL server, for the demo and the tests.

It listens on one port of this machine and to its password only.
"""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, NoReturn
from urllib.parse import quote

import psycopg

from kpi_demo.account import run_as, server_account
from kpi_demo.binaries import embedded_binaries, reachable_binaries
from kpi_demo.cluster import SUPERUSER, Cluster
from orchestrator.errors import ServerError

PATIENCE = 60.0  # seconds for a server that runs to answer, or to stop

StopMode = Literal["smart", "fast", "immediate"]
SIGNALS = {"smart": "SIGTERM", "fast": "SIGINT", "immediate": "SIGQUIT"}


@dataclass(frozen=True)
class Server:
    """A running server and how to log in to it."""

    data_dir: Path
    port: int
    password: str = field(repr=False)
    version: str

    host: ClassVar[str] = "127.0.0.1"
    user: ClassVar[str] = SUPERUSER

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        binaries: Path | None = None,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> "Server":
        """Return the server of `data_dir`, made and started where it is not.

        `binaries` are the embedded ones unless given, `settings` are PostgreSQL's
        and count from a start on, `port` is the last one or any free one unless
        given. Raises ServerError with the reason if it does not come up.
        """
        binaries = binaries or embedded_binaries()
        account = server_account()
        cluster = Cluster.at(data_dir)
        with _plain_errors(cluster):
            cluster.claim(account)
            with cluster.locked() as lock:
                postmaster = _postmaster(cluster)
                if postmaster is not None and not postmaster.program.exists():
                    # The project it came with was deleted; it may lack libraries.
                    _stop(cluster, "fast")
                if running := cls._answering(cluster):
                    return running
                programs = reachable_binaries(binaries, account)
                cluster.make(programs, account, lock)
                cluster.configure(settings or {}, _choose_port(cluster, port), account)
                _forget_stale_pid(cluster)
                started = run_as(
                    account,
                    programs / "pg_ctl",
                    *("start", "--silent", "--wait", "--timeout", "300"),
                    *("--pgdata", cluster.files, "--log", cluster.log),
                )
                server = started.returncode == 0 and cls._answering(cluster)
                return server or _explain_failure(cluster)

    @classmethod
    def find(cls, data_dir: Path) -> "Server | None":
        """Return the running server of `data_dir`, None if none runs.

        Raises ServerError if it runs and does not let us in.
        """
        cluster = Cluster.at(data_dir)
        with _plain_errors(cluster):
            return cls._answering(cluster)

    @classmethod
    def _answering(cls, cluster: Cluster) -> "Server | None":
        """Log in, patiently: a server that starts or stops answers late."""
        deadline = time.monotonic() + PATIENCE
        while _postmaster(cluster) is not None:
            port, password = cluster.port, cluster.password
            try:
                with psycopg.connect(
                    host=cls.host,
                    port=port,
                    user=cls.user,
                    password=password,
                    dbname="postgres",
                    connect_timeout=5,
                ) as connection:
                    answer = connection.info.parameter_status("server_version") or ""
                    return cls(cluster.folder, port or 0, password, answer.split()[0])
            except psycopg.OperationalError as error:
                refused = "password authentication failed" in str(error)
                if refused or time.monotonic() > deadline:
                    raise ServerError(
                        f"The server of {cluster.folder} runs but refuses our login "
                        f"({str(error).strip().splitlines()[-1]}): stop it, or "
                        "start again with 'orchestrator demo --reset'."
                    ) from error
            time.sleep(0.05)
        return None

    def url(self, dbname: str = "postgres") -> str:
        """Return the connection string of one of its databases."""
        login = f"{self.user}:{quote(self.password, safe='')}"
        return f"postgresql://{login}@{self.host}:{self.port}/{quote(dbname, safe='')}"

    def is_running(self) -> bool:
        """Say whether it still runs."""
        return _postmaster(Cluster(self.data_dir)) is not None

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop it and wait until it has; nothing to do if it does not run.

        Raises ServerError if it is not ours to stop or takes over a minute.
        """
        cluster = Cluster(self.data_dir)
        with _plain_errors(cluster), cluster.locked():
            _stop(cluster, mode)


def remove(data_dir: Path) -> None:
    """Stop the server of `data_dir` and delete all that it kept.

    Nothing to do if the folder is not there. Other people's files in it stay.
    Raises ServerError for a folder that no start has made.
    """
    cluster = Cluster.at(data_dir)
    if not cluster.folder.exists():
        return
    if not cluster.is_ours():
        raise ServerError(
            f"{cluster.folder} is left alone, it holds no server of ours: if you "
            "mean it, remove it by hand."
        )
    with _plain_errors(cluster), cluster.locked():
        _stop(cluster, "immediate")
        cluster.remove()


@contextmanager
def _plain_errors(cluster: Cluster) -> Iterator[None]:
    """Turn what the system refuses into a sentence."""
    try:
        yield
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(
            f"The database folder {cluster.folder} cannot be used ({error}): choose "
            "another with ORCHESTRATOR_DEMO_DIR."
        ) from error


def _choose_port(cluster: Cluster, asked: int | None) -> int:
    """Return the port asked for, or the last one, or a free one."""
    if asked is not None:
        if not _is_free(asked):
            raise ServerError(
                f"Port {asked} of {Server.host} is taken by another program: stop "
                "it, or choose another port."
            )
        return asked
    if cluster.port is not None and _is_free(cluster.port):
        return cluster.port
    with closing(socket.socket()) as probe:
        probe.bind((Server.host, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        # As PostgreSQL does: connections just closed do not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((Server.host, port))
        except OSError:
            return False
    return True


class _Postmaster(NamedTuple):
    pid: int
    program: Path


def _postmaster(cluster: Cluster) -> _Postmaster | None:
    """Return the process that serves the cluster, if one does.

    PostgreSQL's pid file alone proves nothing: after a crash its number may be
    that of any other program.
    """
    pid = _noted_pid(cluster)
    program, _, served = _command_line(pid).partition(" -D ")
    return _Postmaster(pid, Path(program)) if served == str(cluster.files) else None


def _noted_pid(cluster: Cluster) -> int:
    """Return the number in PostgreSQL's pid file, 0 if there is none."""
    try:
        text = (cluster.files / "postmaster.pid").read_text()
    except FileNotFoundError:
        return 0
    number = text.partition("\n")[0]
    return int(number) if number.isdigit() else 0


def _command_line(pid: int) -> str:
    """Return how a process was called, nothing if it is gone."""
    if not Path("/proc/self/cmdline").exists():
        call = ["ps", "-o", "command=", "-p", str(pid)]
        answer = subprocess.run(call, capture_output=True, text=True, check=False)
        return answer.stdout.strip()
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().strip("\0").replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _forget_stale_pid(cluster: Cluster) -> None:
    """Delete a pid file that names another program, or a dead one not yet buried.

    PostgreSQL would not start beside it. One whose process is gone stays, and
    processes that a crashed server left behind are noticed in either case.
    """
    pid = _noted_pid(cluster)
    if pid and _postmaster(cluster) is None and _exists(pid):
        (cluster.files / "postmaster.pid").unlink()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # someone else's
    return True


def _stop(cluster: Cluster, mode: StopMode) -> None:
    postmaster = _postmaster(cluster)
    if postmaster is None:
        return
    os.kill(postmaster.pid, getattr(signal, SIGNALS[mode]))
    deadline = time.monotonic() + PATIENCE
    while _postmaster(cluster) is not None:
        if time.monotonic() > deadline:
            raise ServerError(
                f"The server of {cluster.folder} has not stopped within a minute: "
                "end what is connected to it, then stop it again."
            )
        time.sleep(0.02)


def _explain_failure(cluster: Cluster) -> NoReturn:
    """Raise ServerError with the sentence of the log that says why it ended."""
    text = cluster.log.read_text(errors="replace")
    messages = re.findall(r"(LOG|ERROR|FATAL|PANIC):\s+(.*)", text)
    reason = messages[-1][1] if messages else "it left no message"
    for (_, before), (level, message) in pairwise([("", ""), *messages]):
        # Two last words of PostgreSQL only point to the line above them.
        if message.endswith("contains errors") or "any TCP/IP sockets" in message:
            reason = before
        elif level in ("FATAL", "PANIC"):
            reason = message
    raise ServerError(
        f"PostgreSQL did not start: {reason}; there is more in {cluster.log}."
    )
