"""The command line: it parses, calls and prints."""

from orchestrator.cli import (
    access,
    cron,
    installing,
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
    "refreshing",
    "starting",
    "watching",
]
