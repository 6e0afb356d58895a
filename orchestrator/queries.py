"""The named queries, each in a file of its own."""

from functools import cache
from importlib.resources import files


@cache
def query(name: str, folder: str = "orchestrator.sql") -> bytes:
    """Return the text of `name`.sql of a folder of this package."""
    package, _, below = folder.partition(".")
    path = files(package).joinpath(*below.split("."), f"{name}.sql")
    return path.read_bytes()
