"""Every command and query that the guides show runs as it is written."""

import re
import shlex
from collections.abc import Iterator

import psycopg
from projects import CHECKOUT, Workplace
from test_cli_help import ELSEWHERE as WITHOUT_EXAMPLES
from test_cli_help import EXAMPLES

pytest_plugins = ["projects"]

FILES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/examples.md",
    "docs/operations.md",
    "docs/sources.md",
)

# What begins like this is not run here: who runs it, or why nobody can.
ELSEWHERE = {
    "bin/benchmark": "test_benchmarks, on less: it measures for half an hour",
    "bin/demo": "test_demo",
    "bin/setup &&": "an environment is what these tests run in",
    "bin/format": "it changes files; what it is for, bin/lint looks at",
    "bin/lint": "CI runs it before the tests",
    "bin/test": "these are the tests; that it selects any is looked at below",
    "EXAMPLES=": "as bin/test",
    "KILLS=": "as bin/test",
    "MIGRATIONS=": "as bin/test",
    "SOAK=": "as bin/test",
    "cp profiles.yml.example": "test_dbt_commands copies it as CI does",
    "export PGHOST=": "what each reader has of their own",
    "pip install": "test_package",
    "mkdir ../kpis": "test_init",
    "orchestrator init": "test_init",
    "dbt build": "test_demo: all, test_contributing: one, test_dbt_commands: some",
    "dbt source freshness": "test_dbt_commands",
    "orchestrator worker": "test_worker; it ends by a signal",
    "orchestrator status --watch": "test_cli_status; it ends by a signal",
    "orchestrator docs": "test_docs_site; it takes a while",
    "orchestrator cron install": "test_cron; it needs pg_cron",
    "orchestrator cron status": "test_cron",
    "orchestrator cron uninstall": "test_cron",
    "orchestrator uninstall": "test_install; nothing is left to run on",
    "select * from analytics.get_cron_job_status()": "test_cron",
    "select * from analytics.cron_job_status": "test_cron",
    "-- models/": "test_contributing and test_examples make files of them",
    "select * from analytics.refresh('parcels_daily')": "test_contributing",
}

# What stands for something of the reader's own.
PLACEHOLDERS = {"'…'": "(select min(id::text)::uuid from community.communities)"}


def blocks(language: str) -> Iterator[str]:
    """The fenced blocks of a language, in order."""
    for name in FILES:
        text = (CHECKOUT / name).read_text()
        for fence, block in re.findall(r"^```(\S*)\n(.*?)^```$", text, re.M | re.S):
            if fence == language:
                yield block


def commands() -> list[str]:
    return [
        re.sub(" +# .*", "", line)
        for block in blocks("sh")
        for line in block.splitlines()
        if line
    ]


def statements() -> list[str]:
    return [
        statement.strip()
        for block in blocks("sql")
        for statement in (
            [block]
            if block.startswith("-- models/")
            else re.sub(" +--.*", "", block).split(";\n")
        )
        if statement.strip()
    ]


def is_run_elsewhere(text: str) -> bool:
    """Whether another test runs it, as an example of a command's help or by itself."""
    return any(text.startswith(beginning) for beginning in ELSEWHERE) or text in {
        f"orchestrator {line}"
        for name, line in EXAMPLES
        if name not in WITHOUT_EXAMPLES
    }


def test_every_command_runs(project: Workplace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in commands():
        if is_run_elsewhere(line):
            continue
        program, *arguments = shlex.split(line)
        if program == "dbt":
            assert project.dbt(*arguments), line
        else:
            assert program == "orchestrator", f"{line}: run it here, or say who does"
            result = project.call(*arguments)
            assert result.exit_code == 0, (line, result.stderr)


def test_every_query_runs(project: Workplace):
    with psycopg.connect(project.url, autocommit=True) as connection:
        for statement in statements():
            if is_run_elsewhere(statement):
                continue
            query = statement
            for placeholder, value in PLACEHOLDERS.items():
                query = query.replace(placeholder, value)
            cursor = connection.execute(query.encode())
            assert cursor.description, statement


def test_scripts_and_tests_that_are_named_exist():
    found = {
        name
        for file in (CHECKOUT / "tests").glob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    for line in commands():
        for path in re.findall(r"(?:^| )((?:bin|tests)/\S+)", line):
            assert (CHECKOUT / path).exists(), line
        if "bin/test" in line:
            for word in re.findall(r"-k (\w+)", line):
                assert any(word in name for name in found), line


def test_nothing_is_left_out_for_no_reason():
    written = [*commands(), *statements()]
    for beginning in ELSEWHERE:
        assert any(text.startswith(beginning) for text in written), beginning
    for placeholder in PLACEHOLDERS:
        assert any(placeholder in text for text in written), placeholder


def test_links_lead_somewhere():
    others = ("benchmarks/README.md", "docs/architecture.md", "docs/your-own-tables.md")
    for name in (*FILES, *others):
        file = CHECKOUT / name
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text()):
            assert (file.parent / target).exists(), (name, target)
