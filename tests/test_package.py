"""The wheel, made from the sdist, is all that a person needs."""

import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest
from projects import CHECKOUT
from servers import temporary_folder


@pytest.fixture(scope="module")
def environment():
    """A folder with a home and an environment of its own, the package installed."""
    with temporary_folder() as folder:
        build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
        run(folder, *build, "-t", "sdist", cwd=CHECKOUT)
        (sdist,) = folder.glob("*.tar.gz")
        with tarfile.open(sdist) as files:
            files.extractall(folder / "sdist", filter="data")
        (sources,) = (folder / "sdist").iterdir()
        run(folder, *build, "-t", "wheel", cwd=sources)
        (wheel,) = folder.glob("*.whl")
        venv.create(folder / "env", with_pip=True)
        locked = [
            line.rstrip(" \\")
            for line in (CHECKOUT / "requirements.lock").read_text().splitlines()
            if "==" in line and not line.startswith((" ", "#"))
        ]
        (folder / "locked.txt").write_text("\n".join(locked))
        pip = [str(folder / "env" / "bin" / "pip"), "install", "--quiet"]
        run(folder, *pip, "-c", str(folder / "locked.txt"), f"{wheel}[demo]")
        yield folder


def run(folder: Path, *command: str, cwd: Path | None = None) -> str:
    """Run a command with the folder for a home, and no project at hand."""
    home = {
        **{name: value for name, value in os.environ.items() if name[:2] != "PG"},
        "HOME": str(folder),
        "ORCHESTRATOR_DEMO_DIR": str(folder / "demo"),
        "COLUMNS": "80",
    }
    for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR", "VIRTUAL_ENV", "PYTHONPATH"):
        home.pop(name, None)
    finished = subprocess.run(
        command,
        cwd=cwd or folder,
        env=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_the_wheel_alone_shows_the_demo(environment):
    orchestrator = str(environment / "env" / "bin" / "orchestrator")
    try:
        shown = run(environment, orchestrator, "demo", "--scale", "0.02")
        assert "What the refresh rewrote" in shown
        # What it says to try next works, as it is written.
        exports = [
            line.strip() for line in shown.splitlines() if line.startswith("  export")
        ]
        status = run(
            environment, "sh", "-c", "\n".join([*exports, "orchestrator status"])
        )
        assert status.startswith("Everything is fine")
    finally:
        run(environment, orchestrator, "demo", "--reset")


def test_the_wheel_begins_a_project(environment):
    orchestrator = str(environment / "env" / "bin" / "orchestrator")
    project = environment / "kpis"
    project.mkdir()
    finished = subprocess.run(
        [orchestrator, "init", "--yes"],
        cwd=project,
        env={"HOME": str(environment), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "The project is begun, but no table was looked at" in finished.stderr
    assert (project / "packages" / "kpi_engine" / "dbt_project.yml").is_file()
