"""A real Prometheus scrapes the controller of a laboratory, and has what the dashboard asks for."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lab_cluster import PATIENCE_SECONDS, Cluster, running
from support.room_imports import ROOT

from plctl.agent.lab.lab import Lab, take_down

DASHBOARD = ROOT / "deploy/monitoring/grafana-dashboard.json"
PAGE, PROMETHEUS = "127.0.0.1:8780", "127.0.0.1:9090"
CONFIG = f"""
global: {{scrape_interval: 2s, evaluation_interval: 2s}}
rule_files: [{ROOT / "deploy/monitoring/alerts.yaml"}]
scrape_configs:
  - job_name: plctl
    static_configs: [{{targets: ["{PAGE}"]}}]
"""
SPEC = """
name: scraped
duration: 120s
budget: {lateness: 1s, skew: 1s, workload: 1s}
links:
  - name: leo
    count: 2
    scenario: leo.csv
    workload:
      - {at: client, command: "ping -q -i 0.02 {server}", start: 0s}
"""
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,7,15,4\n"
#: What Grafana puts into a query.
VARIABLES = {"$__rate_interval": "20s", "$run": ".*", "$link": ".*"}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A controller with a page and two agents, and a Prometheus beside the controller."""
    lab = Lab.up("m" + secrets.token_hex(3), 2)
    try:
        with running(lab, tmp_path, "--http", PAGE) as cluster:
            yield cluster
    finally:
        take_down(lab.name)


@pytest.fixture
def prometheus(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, once Prometheus answers."""
    (cluster.folder / "prometheus.yaml").write_text(CONFIG)
    command = [
        "prometheus",
        "--config.file=prometheus.yaml",
        f"--web.listen-address={PROMETHEUS}",
        "--storage.tsdb.path=db",
    ]
    with (cluster.folder / "prometheus.log").open("wb") as log:
        process = cluster.lab.host("controller").popen(command, stdout=log, stderr=log, cwd=cluster.folder)
    try:
        cluster.wait_for(lambda: asked(cluster, 'up{job="plctl"} == 1'))
        yield cluster
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def asked(cluster: Cluster, query: str) -> list[dict[str, object]]:
    """The series that Prometheus answers `query` with; none while it does not answer."""
    done = cluster.lab.host("controller").run(
        ["promtool", "query", "instant", "-o", "json", f"http://{PROMETHEUS}", query],
        env=os.environ,
    )
    return list(json.loads(done.stdout)) if done.returncode == 0 else []


def queries() -> list[tuple[str, str]]:
    """Title and query of each panel, as Grafana asks it."""
    found = []
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"]
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            assert "$" not in query
            found.append((panel["title"], query))
    return found


def test_every_panel_of_the_dashboard_has_data(prometheus: Cluster) -> None:
    """While a run goes on; and the exposition is one that promtool has nothing to say against."""
    (prometheus.folder / "leo.csv").write_text(SCENARIO)
    (prometheus.folder / "scraped.yaml").write_text(SPEC)
    submitted = prometheus.plctl("run", "scraped.yaml", "--detach")
    assert 0 == submitted.returncode, submitted.stderr
    prometheus.wait_for(
        lambda: len(asked(prometheus, 'rate(plctl_link_served_bytes_total{direction="up"}[20s]) > 0')) == 2
    )
    empty = [(title, query) for title, query in queries() if not asked(prometheus, query)]
    assert [] == empty, prometheus.logs()
    states = asked(prometheus, 'plctl_link_state{state="started"}')
    assert [("h1", "leo-0"), ("h2", "leo-1")] == sorted(
        (each["metric"]["host"], each["metric"]["link"]) for each in states
    )
    scraped = prometheus.lab.host("controller").run(
        ["sh", "-c", f"curl -s http://{PAGE}/metrics | promtool check metrics"]
    )
    assert (0, "") == (scraped.returncode, scraped.stdout + scraped.stderr)
    assert 0 == prometheus.plctl("cancel", "last").returncode
    prometheus.wait_for(lambda: asked(prometheus, 'plctl_finished_runs_total{verdict="cancelled"} == 1'))
