"""Every command explains itself, with examples that run."""

import re
import shlex
from importlib.util import module_from_spec, spec_from_file_location

import click
import pytest
from click.testing import CliRunner
from projects import CHECKOUT

from orchestrator import __version__
from orchestrator.cli import main

pytest_plugins = ["projects"]

# The demo's examples start and delete a server, a worker goes on and on, cron needs
# pg_cron, the docs are served until Ctrl-C, the doctor would miss what was released or
# uninstalled, and what is paused is not rebuilt: tests of their own have them.
ELSEWHERE = {
    "add",
    "cron",
    "demo",
    "docs",
    "init",
    "pause",
    "release",
    "uninstall",
    "worker",
}


def commands_below(group, *names):
    for name, command in group.commands.items():
        yield " ".join((*names, name)), command
        if isinstance(command, click.Group):
            yield from commands_below(command, *names, name)


COMMANDS = dict(commands_below(main))


def examples_of(command):
    return re.findall(r"^ *orchestrator (.*)$", command.help, re.M)


# With the command, or the group of commands, that each is of; of tables that there are.
OF_READERS = {
    "orders_daily": "kpi_daily",
    "returns_daily": "metrics_daily",
    "grafana": "pg_monitor",
}
EXAMPLES = [
    (line.split()[0], " ".join(OF_READERS.get(word, word) for word in line.split()))
    for command in COMMANDS.values()
    for line in examples_of(command)
]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name):
    for flag in ("-h", "--help"):
        result = CliRunner().invoke(main, [*name.split(), flag])
        assert result.exit_code == 0
        assert result.output.startswith("Usage: ")
        # A line each, as they are to be typed.
        assert examples_of(COMMANDS[name])
        for line in examples_of(COMMANDS[name]):
            assert line.startswith(name)
            assert f"\n    orchestrator {line}\n" in result.output
    for option in COMMANDS[name].params:
        assert getattr(option, "help", "an argument"), option.name


def test_examples_run(project):
    for name, line in dict.fromkeys(EXAMPLES):
        if name not in ELSEWHERE:
            result = project.call(*shlex.split(line))
            assert result.exit_code == 0, (line, result.stderr)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("orchestrator ref", ["refresh"]),
        ("orchestrator access ", ["apply", "check", "monitor"]),
        ("orchestrator refresh kpi_", ["kpi_daily", "kpi_monthly", "kpi_weekly"]),
        ("orchestrator run --select met", ["metrics_daily"]),
        ("orchestrator --project-dir / refresh kpi_", []),
    ],
)
def test_a_shell_completes_commands_and_summary_tables(project, words, completed):
    """Those that dbt has last read."""
    assert project.dbt("parse")
    typed = {
        **project.environment,
        "_ORCHESTRATOR_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    result = CliRunner().invoke(main, env=typed, prog_name="orchestrator")
    assert result.stdout.split() == [f"plain,{word}" for word in completed]
    assert result.stderr == ""


def test_options_of_one_name_mean_one_thing():
    meanings = {}
    for command in COMMANDS.values():
        for option in command.params:
            if isinstance(option, click.Option):
                shown = option.name, type(option.type), option.is_flag
                for name in option.opts:
                    assert meanings.setdefault(name, shown) == shown, name


def test_says_its_version():
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"orchestrator, version {__version__}\n"


def test_the_reference_is_what_the_commands_say():
    """See docs/cli.md: bin/format writes it."""
    specification = spec_from_file_location(
        "cli_reference", CHECKOUT / ".ci" / "cli_reference.py"
    )
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    assert module.GUIDE.read_text() == module.reference()
