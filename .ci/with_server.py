"""Runs a command with a throwaway PostgreSQL server in its PG* variables."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from servers import temporary_server

with temporary_server() as server:
    login = {
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGUSER": server.user,
        "PGPASSWORD": server.password,
        "PGDATABASE": "postgres",
    }
    finished = subprocess.run(sys.argv[1:], env={**os.environ, **login}, check=False)
sys.exit(finished.returncode)
