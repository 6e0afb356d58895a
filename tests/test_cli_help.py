"""Every command explains itself, with examples that run."""

import re
import shlex

import pytest
from click.testing import CliRunner

from orchestrator import __version__
from orchestrator.cli import main

pytest_plugins = ["projects"]

# The demo's examples start and delete a server, a worker goes on and on, cron needs
# pg_cron, and nothing is left of an uninstallation: tests of their own have them.
ELSEWHERE = {"demo", "worker", "cron", "uninstall"}

EXAMPLES = [
    (name, line)
    for name, command in main.commands.items()
    for line in re.findall(r"^ *orchestrator (.*)$", command.help, re.M)
]


@pytest.mark.parametrize("name", main.commands)
def test_every_command_explains_itself(name):
    for flag in ("-h", "--help"):
        result = CliRunner().invoke(main, [name, flag])
        assert result.exit_code == 0
        assert result.output.startswith("Usage: ")
        assert f"orchestrator {name}" in result.output
    for option in main.commands[name].params:
        assert getattr(option, "help", "an argument"), option.name


@pytest.mark.parametrize("name", main.commands)
def test_every_command_has_an_example(name):
    assert name in {name for name, _ in EXAMPLES}


def test_examples_run(project):
    for name, line in EXAMPLES:
        if name not in ELSEWHERE:
            result = project.call(*shlex.split(line))
            assert result.exit_code == 0, (line, result.stderr)


def test_says_its_version():
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"orchestrator, version {__version__}\n"
