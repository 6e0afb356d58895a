"""Runs a command with a throwaway PostgreSQL server in its PG* variables.

dbt finds it by the profile that is handed out, copied as that says.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from servers import temporary_server

PROJECT = Path(__file__).parents[1]

with temporary_server() as server, tempfile.TemporaryDirectory() as profiles:
    shutil.copy(PROJECT / "profiles.yml.example", Path(profiles, "profiles.yml"))
    login = {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": server.user,
        "PGPASSWORD": server.password,
        "PGDATABASE": "postgres",
        "DBT_PROFILES_DIR": profiles,
    }
    finished = subprocess.run(sys.argv[1:], env={**os.environ, **login}, check=False)
sys.exit(finished.returncode)
