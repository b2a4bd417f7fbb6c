"""A real Chromium for all tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from browser.visits import Visits

#: As root there is no sandbox; and nobody but the loopback is to be asked for anything.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, with a new and empty profile."""
    path = shutil.which("chromium")
    assert path is not None, "chromium is missing: apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visits]:
    """What opens a page. The test fails if one has an error, breaks its policy, or asks another place for anything."""
    visits = Visits(chromium)
    yield visits
    visits.close()
    assert [] == visits.complaints
