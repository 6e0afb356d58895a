"""What a dashboard waits for, as a member of one account under row-level security.

Each page asks as the API does: a transaction that takes on the client's role and
claims, and one query that names neither the account nor any other filter but days.
"""

import json
import random
import time
from functools import partial
from typing import Any

from psycopg import Connection

from benchmarks.measure import Results, percentile, seconds
from benchmarks.site import BenchmarkError, Site, run

PAGES = 300
DAYS = (30, 365)


def measure(site: Site, results: Results, repetitions: int) -> None:
    """Measure pages of members, and what the same would cost without a summary."""
    choice = random.Random(1)
    with site.connect() as connection:
        connection.execute("vacuum analyze analytics.metrics_daily")
        for days in DAYS:
            samples: dict[str, list[float]] = {"summary": [], "sources": []}
            for _ in range(repetitions * PAGES // 3):
                account = choice.randint(1, site.accounts)
                samples["summary"].append(_page(connection, account, days))
                asked = {"account": account, "days": days}
                samples["sources"].append(
                    seconds(partial(run, connection, "page_of_sources", **asked))
                )
            for name, times in samples.items():
                results.add(
                    name,
                    days=days,
                    pages=len(times),
                    p50=percentile(times, 50),
                    p99=percentile(times, 99),
                )


def _page(connection: Connection[Any], account: int, days: int) -> float:
    """Return how long a member's query takes."""
    ((member,),) = connection.execute(
        "select benchmark.member(%s)", [account]
    ).fetchall()
    claims = json.dumps({"sub": str(member), "role": "authenticated"})
    with connection.transaction():
        connection.execute(
            "select set_config('request.jwt.claims', %s, true)", [claims]
        )
        connection.execute("set local role authenticated")
        began = time.perf_counter()
        rows = run(connection, "page_of_summary", days=days)
        took = time.perf_counter() - began
    if len({account for account, *_ in rows}) > 1:
        raise BenchmarkError("A member has read another account's rows.")
    return took
