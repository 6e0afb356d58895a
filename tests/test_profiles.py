"""Which connection a profile names: as dbt says, without dbt where that is plain."""

import subprocess
import sys

import pytest

from orchestrator import dbt
from orchestrator.profiles import connection_profile
from orchestrator.project import Project

PLAIN = """
shop:
  target: prod
  outputs:
    prod: &prod
      type: postgres
      host: "{{ env_var('SHOP_HOST') }}"
      port: "{{ env_var('SHOP_PORT', '5433') | int }}"
      user: kpi
      pass: "secret-{{ env_var('SHOP_KEY') }}"
      dbname: shop
      schema: analytics
      threads: 4
      sslmode: require
      keepalives_idle: 30
      search_path: "public, shop"
    dev: {<<: *prod, schema: dev_anna, port: 5432, role: developer}
"""

# What is more than values and environment variables.
OTHERS = {
    "a condition": PLAIN.replace("user: kpi", "user: \"{{ 'k' ~ 'pi' }}\""),
    "a target that is computed": PLAIN.replace(
        "target: prod", "target: \"{{ env_var('SHOP_TARGET', 'dev') }}\""
    ),
    "a number from a literal": PLAIN.replace(
        "\"{{ env_var('SHOP_PORT', '5433') | int }}\"",
        "\"{{ ('54' ~ '32') | as_number }}\"",
    ),
}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR", "DBT_PROFILE", "DBT_TARGET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHOP_HOST", "db.example.com")
    monkeypatch.setenv("SHOP_KEY", "12 34")
    (tmp_path / "dbt_project.yml").write_text(
        "name: shop\nversion: '1'\nprofile: shop\n"
    )
    (tmp_path / "profiles.yml").write_text(PLAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("profile", [PLAIN, *OTHERS.values()], ids=["plain", *OTHERS])
@pytest.mark.parametrize("target", [None, "dev"])
def test_a_profile_means_what_it_means_to_dbt(shop, profile, target):
    (shop / "profiles.yml").write_text(profile)
    project = Project(target=target)
    assert connection_profile(project) == dbt.connection_profile(project)


@pytest.mark.parametrize(
    "command", [["status"], ["refresh", "sales_daily"], ["audit"], ["cron", "status"]]
)
def test_commands_of_the_database_alone_do_not_wait_for_dbt(shop, command):
    """Its import takes longer than what they do."""
    script = (
        "import sys; from orchestrator.cli import main\n"
        f"main({command!r}, standalone_mode=False)"
    )
    checked = (
        "import sys\n"
        "from orchestrator.errors import OrchestratorError\n"
        "import click\n"
        f"try:\n    exec({script!r})\n"
        "except click.ClickException as error:\n    print(error)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] == 'dbt'))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", checked],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "SHOP_HOST": "127.0.0.1", "SHOP_KEY": "x", "SHOP_PORT": "1"},
        cwd=shop,
    ).stdout
    assert "cannot be reached" in shown
    assert shown.splitlines()[-1] == "[]"
