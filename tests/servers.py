"""Throwaway PostgreSQL servers and databases for the tests."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from kpi_demo.server import Server, remove

# What makes a server quick with little data, and a crash of the machine costly.
HASTY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "jit": "off",
}


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that goes afterwards. Unlike pytest's own, a server that root
    starts can reach it: it runs as another account."""
    folder = Path(tempfile.mkdtemp(prefix="kpi-summaries-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def temporary_server(
    binaries: Path | None = None, settings: dict[str, str] | None = None
) -> Iterator[Server]:
    """A running server, stopped and deleted afterwards."""
    with temporary_folder() as folder:
        data_dir = folder / "server"
        settings = {**HASTY, **(settings or {})}
        try:
            yield Server.start(data_dir, binaries=binaries, settings=settings)
        finally:
            remove(data_dir)


@contextmanager
def temporary_database(server: Server, template: str = "template1") -> Iterator[str]:
    """The connection string of a fresh copy of `template`, dropped afterwards.

    Nobody may be connected to the template.
    """
    name = f"test_{secrets.token_hex(4)}"
    create = SQL("create database {} template {}")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(create.format(Identifier(name), Identifier(template)))
    try:
        yield server.url(name)
    finally:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            drop = SQL("drop database {} with (force)")
            connection.execute(drop.format(Identifier(name)))
