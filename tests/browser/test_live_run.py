"""A run on this machine that serves its own page: its link moves, and whoever looks ends it and reads why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.serving import serving
from browser.visits import Visits

#: Rows of 10 ms, and from 3 s on of 30 ms.
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,10,10\n3000,1,30,20\n"
HOSTILE = "<img src=x onerror=alert(1)>"
SPEC = f"""
name: seen
duration: 60s
budget: {{lateness: 1s}}
links:
  - name: leo
    scenario: leo.csv
    workload:
      - {{at: client, command: [sh, -c, "echo '{HOSTILE}'; exec ping -i 0.02 $0", "{{server}}"], start: 0s}}
"""


@pytest.mark.needs_root
def test_a_run_is_watched_cancelled_and_explained(visit: Visits, tmp_path: Path) -> None:
    """What is asked changes and what is measured follows; cancelling asks first; then its cause is told."""
    visit.requests_may_fail = True  # the page outlives the run's server
    (tmp_path / "leo.csv").write_text(SCENARIO)
    (tmp_path / "seen.yaml").write_text(SPEC)
    with serving("run", "seen.yaml", "--json", "--local", "--no-report", folder=tmp_path) as served:
        page = visit(served.url)
        page.get_by_role("link", name="seen").click()
        state = page.locator(".run-head .badge")
        delay = page.locator("[data-figure=delay] .says").first
        expect(state).to_have_text("running")
        expect(delay).to_have_text(re.compile(r"^asked 10 ms, median 1\d(\.\d+)? ms"))
        expect(delay).to_have_text(re.compile(r"^asked 30 ms, median 3\d(\.\d+)? ms"))
        output = page.locator(".workloads pre")
        expect(output).to_contain_text(HOSTILE)
        expect(output).to_contain_text("bytes from")
        page.keyboard.press(" ")
        expect(page.locator(".plot-tools .muted")).to_contain_text("of newer telemetry not shown")
        page.get_by_role("button", name="Cancel run").click()
        page.get_by_role("button", name="Let it go on").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(state).to_have_text("running")
        page.keyboard.press("c")
        page.get_by_role("button", name="Cancel the run").click()
        expect(state).to_have_text("cancelled")
        expect(page.locator("#connection")).to_have_text("over: nothing more will come")
        page.get_by_role("tab", name="Why").click()
        expect(page.get_by_role("tabpanel")).to_contain_text("asked for on the page")
        assert 0 == page.locator("main img").count()
