"""The dashboard and the alerts that ship ask for series that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from support.room_imports import ROOT

from plctl.common.protocol import requests as rq
from plctl.controller.web.monitoring.families import registry_of
from plctl.controller.web.monitoring.snapshot import Monitored, MonitoredRun

FILES = ROOT / "deploy/monitoring"
_NAME = re.compile(r"\b(?:plctl|process)_[a-z0-9_]+")
#: In a query: what is within braces is no name of a series.
_LABELS = re.compile(r"\{[^}]*\}")


def exposed() -> set[str]:
    """The names of all series."""
    values = tuple(range(1, len(rq.LIVE_COLUMNS) + 1))
    run = MonitoredRun("r", "running", 1, (rq.LinkState("a", "h", "started", up=values, down=values),))
    agent = rq.AgentInfo("h", "", "", True, 0, (), 0, 0, 0, 0, 0, 1, "", 0)
    snapshot = Monitored((agent,), (run,), {"ok": 1}, {"flood": 1})
    return {each.name for family in registry_of(snapshot).collect() for each in family.samples}


def asked(queries: list[str]) -> set[str]:
    """The names of series in `queries`."""
    return {name for query in queries for name in _NAME.findall(_LABELS.sub("", query))}


def test_the_dashboard_asks_for_what_there_is() -> None:
    """In every panel and variable."""
    dashboard = json.loads((FILES / "grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    queries += [each["definition"] for each in dashboard["templating"]["list"] if "definition" in each]
    assert len(queries) > 15
    assert set() == asked(queries) - exposed()
    assert len(dashboard["panels"]) == len({panel["id"] for panel in dashboard["panels"]})


def test_the_alerts_ask_for_what_there_is() -> None:
    """Each says in a sentence what is the matter."""
    groups = yaml.safe_load(Path(FILES / "alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert asked([rule["expr"] for rule in rules]) <= exposed()
    assert all(rule["annotations"]["summary"] for rule in rules)
