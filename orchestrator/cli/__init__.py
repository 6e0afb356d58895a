"""The command line: it parses, calls and prints."""

from orchestrator.cli import (
    access,
    cron,
    installing,
    pausing,
    refreshing,
    starting,
    watching,
)
from orchestrator.cli.base import main

__all__ = [
    "access",
    "cron",
    "installing",
    "main",
    "pausing",
    "refreshing",
    "starting",
    "watching",
]
