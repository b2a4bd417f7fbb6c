"""promtool has the alert rules fire on made-up series, each when it should and in its words."""

from __future__ import annotations

import subprocess
from collections import Counter

import yaml
from support.room_imports import ROOT

FILES = ROOT / "deploy/monitoring"


def promtool(*arguments: str) -> str:
    """What it prints; it must have nothing to say against what it was given."""
    done = subprocess.run(["promtool", *arguments], cwd=FILES, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_the_rules_fire_as_they_should() -> None:
    """By promtool's own test of rules; it also finds no fault in them."""
    promtool("check", "rules", "alerts.yaml")
    assert "SUCCESS" in promtool("test", "rules", "alerts-test.yaml")


def test_no_rule_is_left_out() -> None:
    """Each is expected to fire somewhere, and not to fire elsewhere."""
    groups = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    rules = {rule["alert"] for group in groups for rule in group["rules"]}
    tests = yaml.safe_load((FILES / "alerts-test.yaml").read_text())["tests"]
    expected = [(each["alertname"], bool(each.get("exp_alerts"))) for test in tests for each in test["alert_rule_test"]]
    assert {(rule, fires) for rule in rules for fires in (True, False)} == Counter(expected).keys()
