"""Writes the queries of monitoring/queries into Grafana's dashboard.

A panel shows the query whose first line asks what the panel's title asks. A line
that ends in `-- grafana: …` is that condition in Grafana, which knows the time range
that someone has chosen, and what stands before the comment elsewhere.

    python monitoring/embed.py
"""

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
QUERIES = HERE / "queries"
DASHBOARD = HERE / "grafana" / "summaries.json"

_SWITCH = re.compile(
    r"^(?P<keyword>\s*(?:where|and)) .* -- grafana: (?P<macro>.+)$", re.M
)


def queries() -> dict[str, str]:
    """Return each query's text, as Grafana runs it, by the question it answers."""
    found = {}
    for path in sorted(QUERIES.glob("*.sql")):
        text = path.read_text().strip()
        question = text.partition("\n")[0].removeprefix("-- ")
        found[question] = _SWITCH.sub(r"\g<keyword> \g<macro>", text)
    return found


def embedded(dashboard: dict[str, Any]) -> dict[str, Any]:
    """Return a dashboard in which each panel has its query as it is now."""
    asked = queries()
    panels = [
        {
            **panel,
            "targets": [
                {**target, "rawSql": asked[panel["title"]]}
                for target in panel["targets"]
            ],
        }
        for panel in dashboard["panels"]
    ]
    return {**dashboard, "panels": panels}


if __name__ == "__main__":
    written = embedded(json.loads(DASHBOARD.read_text()))
    DASHBOARD.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n")
