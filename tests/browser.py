"""A real browser, headless: what a page looks like to it."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

# Shows the page in a frame of the width of a window or phone, and writes down what
# the browser made of it.
HOST = """<!doctype html><meta charset="utf-8"><title>host</title>
<iframe id="frame" width="WIDTH" height="800"></iframe>
<script type="application/json" id="page">PAGE</script>
<pre id="seen"></pre>
<script>
const texts = (parts, what) => Array.from(parts.querySelectorAll(what), (each) =>
  each.textContent.trim());
frame.onload = () => {
  const inner = frame.contentDocument;
  const root = inner.documentElement;
  seen.textContent = JSON.stringify({
    title: inner.title,
    text: inner.body.innerText,
    headings: texts(inner, "h1, h2"),
    models: texts(inner, "#freshness ~ table tbody th"),
    columns: texts(inner, "#freshness ~ table thead th"),
    charts: texts(inner, "svg > title"),
    described: texts(inner, "svg > desc").length,
    bars: inner.querySelectorAll("svg rect").length,
    injected: inner.querySelectorAll("body script, img, b, marquee").length,
    requests: frame.contentWindow.performance.getEntriesByType("resource").length,
    width: root.clientWidth,
    needed: root.scrollWidth,
    paper: frame.contentWindow.getComputedStyle(inner.body).backgroundColor,
  });
};
frame.srcdoc = JSON.parse(page.textContent);
</script>
"""


def look(html: str, folder: Path, width: int, *, dark: bool = False) -> dict[str, Any]:
    """Return what a browser sees of a page that is as wide as this."""
    host = folder / "host.html"
    page = json.dumps(html).replace("</", r"<\/")
    host.write_text(HOST.replace("WIDTH", str(width)).replace("PAGE", page))
    shown = dom(
        host.as_uri(),
        folder,
        "--hide-scrollbars",  # as a phone does; on a desk they take width
        f"--window-size={width + 100},900",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
    )
    found = re.search(r'<pre id="seen">(.+?)</pre>', shown, re.DOTALL)
    assert found, shown
    return json.loads(unescape(found[1]))


def dom(url: str, folder: Path, *options: str) -> str:
    """Return what a browser has made of a page once it has come to rest.

    The test is skipped where no Chromium is installed, but not in CI.
    """
    browser = shutil.which("chromium")
    if browser is None:
        missing = "chromium is not installed on this system"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    always = (
        "--headless",
        "--disable-gpu",
        "--no-sandbox",  # it is our own page, and root may run the tests
        f"--user-data-dir={folder / 'browser'}",
        "--virtual-time-budget=10000",
        "--dump-dom",
    )
    shown = subprocess.run(
        [browser, *always, *options, url],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return shown.stdout
