"""A server that goes and comes back: the page says so, says how old its data is, and goes on by itself."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect
from support.synthetic_run import RUN, make_run

from browser.serving import free_port, serving
from browser.visits import Visits


def test_it_says_that_the_server_is_gone_and_goes_on_when_it_is_back(visit: Visits, tmp_path: Path) -> None:
    """What is shown stays, marked with its age; a run that is made meanwhile is there afterwards."""
    visit.requests_may_fail = True
    runs, port = tmp_path / "runs", free_port()
    runs.mkdir()
    with serving("view", str(runs), folder=tmp_path, port=port) as served:
        page = visit(served.url)
        expect(page.locator("#connection")).to_have_text("live")
        expect(page.get_by_text("There is no run yet.")).to_be_visible()
        served.kill()
        expect(page.locator("#connection")).to_have_text(
            re.compile(r"^Disconnected\. What is shown is \d+ s old\. (Next try in \d+ s\.|Trying …)Try now$")
        )
        expect(page.locator("body")).to_have_class(re.compile("stale"))
        expect(page.get_by_text("There is no run yet.")).to_be_visible()
    with make_run(runs) as folder:
        folder.close()
    with serving("view", str(runs), folder=tmp_path, port=port):
        expect(page.locator("#connection")).to_have_text("live")  # by itself
        expect(page.locator("body")).not_to_have_class(re.compile("stale"))
        expect(page.get_by_role("link", name=RUN)).to_be_visible()


def test_a_page_that_finds_no_server_at_first_begins_when_there_is_one(visit: Visits, tmp_path: Path) -> None:
    """Its files came, and then the server was gone."""
    visit.requests_may_fail = True
    (tmp_path / "runs").mkdir()
    port = free_port()
    with serving("view", "runs", folder=tmp_path, port=port) as served:
        page = visit("about:blank")
        page.route("**/api/v1/session", lambda route: route.abort())
        page.goto(served.url)
        expect(page.locator("main")).to_have_text("Nothing can be shown: the server cannot be reached.")
        page.unroute("**/api/v1/session")
        page.get_by_role("button", name="Try now").click()
        expect(page.get_by_role("heading", name="Runs")).to_be_visible()


def test_errors_are_sentences(visit: Visits, tmp_path: Path) -> None:
    """A part that the server cannot tell says what it said, where the part would be."""
    visit.requests_may_fail = True
    with make_run(tmp_path / "runs") as folder:
        folder.close()
    with serving("view", "runs", folder=tmp_path) as served:
        page = visit("about:blank")
        page.route("**/files", lambda route: route.fulfill(status=503, json={"error": "the disk is on fire"}))
        page.goto(f"{served.url}#/runs/{RUN}/files")
        expect(page.get_by_text("The files could not be listed: the disk is on fire.")).to_be_visible()
