"""Writes docs/cli.md: what the commands say of themselves."""

from collections.abc import Iterator
from pathlib import Path

import click

from orchestrator.cli import main

GUIDE = Path(__file__).parents[1] / "docs" / "cli.md"

HEAD = """\
# The command line

What `orchestrator COMMAND --help` says. `bin/format` writes this file.
"""


def reference() -> str:
    """Return the help of every command, as one page."""
    return HEAD + "".join(_sections(main, "orchestrator", None))


def _sections(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[str]:
    context = click.Context(
        command,
        parent=parent,
        info_name=name,
        terminal_width=80,
        max_content_width=80,
        **command.context_settings,
    )
    yield f"\n## {context.command_path}\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            if below is not None:
                yield from _sections(below, each, context)


if __name__ == "__main__":
    GUIDE.write_text(reference())
