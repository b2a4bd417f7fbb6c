"""A controller's page for two people: who may look only sees what happens, who may act ends a run; both outlive it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.loopback_cluster import LoopbackCluster

from browser.serving import free_port
from browser.visits import Visits

SPEC = """
name: watched
duration: 120s
budget: {lateness: 1s}
links:
  - name: leo
    scenario: leo.csv
    workload:
      - {at: client, command: "ping -i 0.05 {server}", start: 0s}
"""


@dataclass
class Place:
    """A cluster with a page, and the token of each person."""

    cluster: LoopbackCluster
    url: str
    viewer: str
    operator: str


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A controller with a page that asks who looks, and an agent; a run of two minutes has begun."""
    port = free_port()
    cluster = LoopbackCluster(tmp_path, ("edge-1",), ("--http", f"127.0.0.1:{port}", "--login"))
    viewer, operator = (
        cluster.plctl("controller", "token", "add", name, "--role", role).stdout.strip()
        for name, role in (("vera", "viewer"), ("otto", "operator"))
    )
    (tmp_path / "leo.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,10,10\n")
    (tmp_path / "watched.yaml").write_text(SPEC)
    with cluster.serving():
        cluster.submit(tmp_path / "watched.yaml")
        yield Place(cluster, f"https://127.0.0.1:{port}/", viewer, operator)


def log_in(page: Page, token: str) -> None:
    """By the form."""
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()


def open_run(page: Page) -> None:
    """From the overview, until its link has carried something."""
    page.get_by_role("link", name="watched").click()
    expect(page.locator("[data-figure=delay] .says").first).to_have_text(re.compile("^asked 10 ms, median 1"))


@pytest.mark.needs_root
def test_two_people_watch_one_run(visit: Visits, place: Place) -> None:
    """The viewer has no way to end it, whatever they send; the operator has; both see the end and its cause."""
    visit.requests_may_fail = True  # what is refused, and what is asked while the controller is away
    viewer = visit(place.url, ignore_https_errors=True)
    log_in(viewer, "wrong")
    expect(viewer.get_by_role("alert").filter(has_text="Not logged in")).to_be_visible()
    log_in(viewer, place.viewer)
    row = viewer.get_by_role("row", name="edge-1").first
    expect(row).to_contain_text("connected")
    expect(row).to_contain_text("±")
    open_run(viewer)
    expect(viewer.get_by_role("button", name="Cancel run")).to_have_count(0)
    viewer.keyboard.press("c")
    expect(viewer.get_by_role("dialog")).to_have_count(0)
    assert (403, "vera is a viewer, who may look but change nothing") == cancel_by_hand(viewer)

    operator = visit(place.url, ignore_https_errors=True)
    log_in(operator, place.operator)
    open_run(operator)
    operator.get_by_role("button", name="Cancel run").click()
    operator.get_by_role("button", name="Cancel the run").click()
    for page in (viewer, operator):
        expect(page.locator(".run-head .badge")).to_have_text("cancelled")
        page.get_by_role("tab", name="Why").click()
        expect(page.get_by_role("tabpanel")).to_contain_text("otto")

    viewer.get_by_role("button", name="Log out").click()
    expect(viewer.get_by_label("Token")).to_be_visible()
    expect(viewer.get_by_role("tab")).to_have_count(0)

    operator.get_by_role("link", name="plctl", exact=True).click()
    expect(operator.locator("#connection")).to_have_text("live")
    place.cluster.kill_controller()
    expect(operator.locator("#connection")).to_contain_text("Disconnected.")
    place.cluster.start_controller()
    log_in(operator, place.operator)  # sessions end with the controller
    expect(operator.get_by_role("row", name="watched")).to_contain_text("cancelled")
    expect(operator.locator("#connection")).to_have_text("live")


def cancel_by_hand(page: Page) -> tuple[int, str]:
    """What the server answers to somebody who asks it past the page, with all that their session has."""
    status, error = page.evaluate(
        """async () => {
            const { csrf } = await (await fetch("/api/v1/session")).json();
            const run = location.hash.split("/")[2];
            const answer = await fetch(`/api/v1/runs/${run}/cancel`, { method: "POST", headers: { "X-CSRF": csrf } });
            return [answer.status, (await answer.json()).error];
        }"""
    )
    return status, error
