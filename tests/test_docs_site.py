"""The docs site says what everything is, and a browser shows it."""

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from browser import dom
from click.testing import Result
from projects import Installation, Workplace, named_database, workplace

from kpi_demo.server import Server

pytest_plugins = ["projects"]

OURS = "kpi_summaries"

# Types into the search box, as a visitor of the site does.
SEARCH = """
<script>
const typing = setInterval(() => {
    const box = document.querySelector("input[placeholder^=Search]");
    if (!box || !box.offsetParent) return;
    clearInterval(typing);
    box.focus();
    box.value = "SOUGHT";
    for (const event of ["input", "change"])
        box.dispatchEvent(new Event(event, {bubbles: true}));
}, 100);
</script>
"""

# In which colours dbt's site draws them.
SOURCE, MODEL, EXPOSURE = "95,184,37", "0,148,179", "255,105,75"

# Says which colours the graph is drawn in: it is a picture, and has no text.
COLOURS = """
<script>
setTimeout(() => {
    const colours = {};
    for (const canvas of document.querySelectorAll("canvas")) {
        if (!canvas.width || !canvas.height) continue;
        const drawn = canvas.getContext("2d").getImageData(
            0, 0, canvas.width, canvas.height).data;
        for (let i = 0; i < drawn.length; i += 4) {
            const colour = drawn.slice(i, i + 3).join();
            if (drawn[i + 3] === 255) colours[colour] = (colours[colour] || 0) + 1;
        }
    }
    const most = Object.keys(colours).filter(each => colours[each] > 200);
    document.body.setAttribute("colours", most.join(" "));
}, 8000);
</script>
"""

COMMENTS = """
select
    coalesce(
        (select description from pg_description
        where
            classoid = 'pg_class'::regclass
            and objoid = to_regclass(%s) and objsubid = 0
        ), ''
    ),
    coalesce(
        (select jsonb_object_agg(attname, coalesce(description, ''))
        from pg_attribute
        left join pg_description
            on objoid = attrelid and objsubid = attnum
            and classoid = 'pg_class'::regclass
        where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
        ), '{}'
    )
"""


@dataclass
class Site:
    """What `orchestrator docs` wrote and served, and what dbt made it from."""

    place: Workplace
    page: Path
    served: bytes
    said: Result
    manifest: dict[str, Any]
    catalog: dict[str, Any]

    def ours(self, kind: str) -> dict[str, Any]:
        return {
            key: node
            for key, node in self.manifest[kind].items()
            if node["package_name"] == OURS
        }

    def summaries(self) -> dict[str, Any]:
        return {
            key: node
            for key, node in self.ours("nodes").items()
            if node["resource_type"] == "model"
            and node["config"]["materialized"] == "incremental"
        }


@pytest.fixture(scope="module")
def site(
    server: Server, whole_template: str, whole_installation: Installation
) -> Iterator[Site]:
    """The site of the whole project, written and served by one command."""
    with (
        named_database(server, "test", whole_template) as url,
        workplace(url, whole_installation) as place,
    ):
        port = free_port()
        answer: list[bytes] = []
        visitor = threading.Thread(
            target=visit_and_interrupt,
            args=(f"http://127.0.0.1:{port}/", answer),
            daemon=True,
        )
        visitor.start()
        page = place.folder / "kpi.html"
        said = place.call("docs", "--output", str(page), "--serve", "--port", str(port))
        artifacts = [
            json.loads((whole_installation.target / f"{name}.json").read_text())
            for name in ("manifest", "catalog")
        ]
        yield Site(place, page, b"".join(answer), said, *artifacts)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def visit_and_interrupt(url: str, answer: list[bytes]) -> None:
    """Fetch the page once it is there, then press Ctrl-C."""
    for _ in range(3000):
        try:
            with urlopen(url) as response:
                answer.append(response.read())
        except URLError:
            time.sleep(0.1)
        else:
            break
    os.kill(os.getpid(), signal.SIGINT)


def test_is_one_file_that_is_served_until_ctrl_c(site):
    assert site.said.exit_code == 0, site.said.output
    assert "The docs are served at http://127.0.0.1:" in site.said.stdout
    assert site.served
    assert site.served == site.page.read_bytes()


def test_everything_of_ours_is_described(site):
    silent = []
    for kind in ("nodes", "sources", "macros", "exposures", "unit_tests"):
        for key, node in site.ours(kind).items():
            generic = node.get("test_metadata")  # its macro has the description
            if node["resource_type"] == "operation" or generic:
                continue
            if node.get("docs", {}).get("show") is False:
                # Only what is its file's own is kept off the site.
                assert node["name"].startswith("_"), key
                continue
            parts = {"": node, **node.get("columns", {})}
            if not node["name"].startswith("materialization_"):  # they are dbt's
                parts |= {
                    f"({part['name']})": part for part in node.get("arguments") or ()
                }
            silent += [
                f"{key} {name}"
                for name, part in parts.items()
                if not part["description"].strip()
            ]
    assert silent == []


def test_tables_and_views_have_the_descriptions_as_comments(site):
    models = [
        node
        for node in site.ours("nodes").values()
        if node["resource_type"] == "model" and node["relation_name"]
    ]
    assert len(models) > 80
    for node in models:
        name = f'"{node["schema"]}"."{node["alias"]}"'
        ((about, columns),) = site.place.ask(COMMENTS, name, name)
        assert about == node["description"]
        assert columns == {
            name: column["description"] for name, column in node["columns"].items()
        }, node["name"]


def test_lineage_goes_from_source_tables_to_dashboards(site):
    """Every domain's published tables are shown, and are made from source tables."""
    parents = site.manifest["parent_map"]

    def ancestors(key: str) -> set[str]:
        found: set[str] = set()
        pending = [key]
        while pending:
            for parent in parents.get(pending.pop(), ()):
                if parent not in found:
                    found.add(parent)
                    pending.append(parent)
        return found

    shown: set[str] = set()
    for key, exposure in site.ours("exposures").items():
        reached = ancestors(key)
        assert any(other.startswith("source.") for other in reached)
        assert exposure["owner"]["email"]
        assert exposure["url"].startswith("https://")
        shown |= set(parents[key])
    published = {
        key for key, node in site.summaries().items() if node["schema"] == "analytics"
    }
    assert shown <= published
    assert {site.manifest["nodes"][key]["config"]["group"] for key in shown} == {
        group["name"] for group in site.manifest["groups"].values()
    }


def test_every_model_has_an_owner_and_only_summaries_are_for_others(site):
    groups = {group["name"]: group for group in site.manifest["groups"].values()}
    for node in site.ours("nodes").values():
        if node["resource_type"] == "model":
            assert groups[node["config"]["group"]]["owner"]["email"]
            for_others = node["schema"] == "analytics"
            assert node["access"] == ("public" if for_others else "private")


def test_what_we_compute_must_be_right_and_what_applications_enter_may_be_wrong(site):
    for node in site.ours("nodes").values():
        if node["resource_type"] == "test":
            tested = (node.get("attached_node") or "").rpartition(".")[2]
            severity = node["config"]["severity"].lower()
            # Of a calendar, some are of what is entered, and some of what we make.
            if not tested.startswith("int_"):
                expected = "warn" if tested.startswith("stg_") else "error"
                assert severity == expected, node["name"]


def test_a_browser_shows_the_lineage_and_finds_a_table(site):
    kpi_daily = f"model.{OURS}.kpi_daily"
    route = f"#!/model/{kpi_daily}?g_v=1&g_i=%2Bkpi_daily%2B"
    table = shown(site, route, COLOURS)
    assert "Lineage Graph" in table
    drawn = re.findall('colours="([^"]*)"', table)[0].split()
    assert {SOURCE, MODEL, EXPOSURE} <= set(drawn)
    for column in site.manifest["nodes"][kpi_daily]["columns"]:
        assert re.search(rf">\s*{column}\s*<", table), column

    for sought in ("kpi_daily", "incidents_reported"):
        assert kpi_daily in search(site, sought)


def shown(site: Site, route: str, script: str) -> str:
    """Return what the page shows, with a script of ours in it."""
    page = site.page.with_name("visited.html")
    page.write_text(site.page.read_text() + script)
    # Large enough that the graph's colours can be distinguished.
    found = dom(page.as_uri() + route, page.parent, "--window-size=1600,1000")
    # Its scripts hold all that it could show; what it does show is the rest.
    return re.sub("<script.*?</script>", "", found, flags=re.DOTALL)


def search(site: Site, sought: str) -> list[str]:
    """Return the ids of what a visitor finds."""
    page = shown(site, "#!/overview", SEARCH.replace("SOUGHT", sought))
    return re.findall('class="result search-result[^>]*href="#!/\\w+/([^"]+)"', page)


def test_says_what_is_wrong(project, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, sentence = project.refuse("docs", "--serve", "--port", str(port))
    assert code == 1
    assert sentence == (
        f"Port {port} of 127.0.0.1 is taken by another program: choose another port."
    )
    code, sentence = project.refuse("docs", "--output", str(tmp_path / "no/docs.html"))
    assert code == 1
    assert sentence == f"There is no folder {tmp_path / 'no'} for docs.html."

    project.write_profile(port=1)
    code, sentence = project.refuse("docs")
    assert code == 1
    assert "Connection refused" in sentence

    project.write_profile(dbname="postgres")
    code, sentence = project.refuse("docs")
    assert code == 1
    assert sentence.startswith('The database "postgres" has no summary tables yet')
