"""Prometheus itself reads the metrics, and evaluates the alerts."""

import json
import os
import shutil
import socket
import subprocess
import urllib.request
from contextlib import contextmanager

import pytest
import yaml
from projects import CHECKOUT
from workers import until, worker

pytest_plugins = ["projects"]

FOLDER = CHECKOUT / "monitoring" / "prometheus"


@pytest.fixture(autouse=True)
def installed():
    if not shutil.which("prometheus"):
        missing = "Prometheus is not installed on this system"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def promtool(*arguments, **options):
    return subprocess.run(
        ["promtool", *arguments], capture_output=True, check=False, **options
    )


@contextmanager
def prometheus(folder, target):
    """Our own configuration, with another target and quicker; gives its address."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(FOLDER / "alerts.yml", folder)
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()


def answer(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return json.load(response)["data"]
    except OSError:
        return None  # it is starting


def test_prometheus_scrapes_a_worker_and_its_alert_of_an_incident_fires(
    project, tmp_path
):
    project.ask("select orchestrator.open_incident('kpi_daily', 'drift', 'Drifted.')")
    port = free_port()
    with (
        worker(project, "--http", f":{port}") as running,
        prometheus(tmp_path, f"127.0.0.1:{port}") as server,
    ):
        running.says("The status page is at")
        until(lambda: (answer(f"{server}/api/v1/query?query=up") or {}).get("result"))

        def firing():
            alerts = (answer(f"{server}/api/v1/alerts") or {}).get("alerts", [])
            return {
                (alert["labels"]["alertname"], *alert["labels"].values())
                for alert in alerts
                if alert["state"] == "firing"
            }

        until(
            lambda: any("drift" in alert for alert in firing()),
            lambda: f"{firing()} {running.said}",
        )
        assert {name for name, *_ in firing()} == {"IncidentIsOpen"}
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            checked = promtool("check", "metrics", input=response.read())
    assert (checked.returncode, checked.stderr) == (0, b"")


def test_the_alerts_are_sound_and_wait_as_long_as_they_say(tmp_path):
    checked = promtool("check", "rules", str(FOLDER / "alerts.yml"))
    assert checked.returncode == 0, checked.stderr
    cases = {
        "rule_files": [str(FOLDER / "alerts.yml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {
                        "series": 'orchestrator_table_age_seconds{model="slow"}',
                        "values": "0+60x20",
                    },
                    {
                        "series": 'orchestrator_table_period_seconds{model="slow"}',
                        "values": "60x20",
                    },
                ],
                "alert_rule_test": [
                    {"eval_time": "7m", "alertname": "SummaryIsLate"},
                    {
                        "eval_time": "9m",
                        "alertname": "SummaryIsLate",
                        "exp_alerts": [
                            {
                                "exp_labels": {"model": "slow", "severity": "critical"},
                                "exp_annotations": {
                                    "summary": "slow has missed two periods of its"
                                    " cadence.",
                                    "runbook": "docs/operations.md, Runbook",
                                },
                            }
                        ],
                    },
                ],
            }
        ],
    }
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(cases))
    tested = promtool("test", "rules", str(tmp_path / "cases.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr
