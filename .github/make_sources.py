"""Makes the demo's source tables, with a few rows, where PG* says.

Stands for your application's own: its migrations, and rows to try models on.
"""

from datetime import UTC, datetime

import psycopg

from kpi_demo.source_data import create_sources, generate

with psycopg.connect(autocommit=True) as connection:
    create_sources(connection)
    generate(connection, scale=0.02, seed=1, until=datetime.now(UTC))
