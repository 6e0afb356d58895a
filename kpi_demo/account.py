"""The account that a private PostgreSQL server runs as."""

import os
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import ServerError


@dataclass(frozen=True)
class Account:
    """A system account that owns a server's files and runs its processes."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give `path` itself, not what is below it, to the account."""
        os.chown(path, self.uid, self.gid)

    def may_enter(self, folder: Path) -> bool:
        """Say whether every folder from the root down to `folder` lets it pass."""
        return all(self._passes(step.stat()) for step in [folder, *folder.parents])

    def _passes(self, folder: os.stat_result) -> bool:
        if folder.st_uid == self.uid:
            return bool(folder.st_mode & stat.S_IXUSR)
        if folder.st_gid == self.gid:
            return bool(folder.st_mode & stat.S_IXGRP)
        return bool(folder.st_mode & stat.S_IXOTH)


def server_account() -> Account | None:
    """Return the account to change to, or None to run as who we are.

    PostgreSQL refuses to run as root and needs an account with a name, so root
    hands its servers to `nobody`. Raises ServerError where there is none.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None

    import pwd  # not on Windows

    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ServerError(
            "PostgreSQL refuses to run as root and this system has no account "
            "'nobody' to run it as: run this as an ordinary user."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def run_as(
    account: Account | None,
    program: Path,
    *arguments: str | Path,
    keep_open: Sequence[int] = (),
) -> "subprocess.CompletedProcess[str]":
    """Run a PostgreSQL program to its end, untouched by the caller's settings.

    `keep_open` are file descriptors it holds too. Returns its exit code and, as
    one text, all it said, in English.
    """
    identity: dict[str, Any] = {}
    if account is not None:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    return subprocess.run(
        [program, *arguments],
        cwd="/",  # the account may not be allowed where we are
        env={**kept, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        pass_fds=keep_open,
        **identity,
    )
