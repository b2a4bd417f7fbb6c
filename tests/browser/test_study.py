"""A study, as `plctl view` shows it: how far it is, its cells, and the runs of each."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect
from support.studies.synthetic_study import FACTORS, NAME, REPETITIONS, make_study

from browser.serving import serving
from browser.visits import Visits

CELLS = len(FACTORS["cc"]) * len(FACTORS["buffer"])


def test_a_study_leads_to_its_cells_and_runs(visit: Visits, tmp_path: Path) -> None:
    """From the overview to a cell's levels and standings, and on to one of its runs."""
    visit.requests_may_fail = True  # the page outlives its server by a moment
    (tmp_path / "runs").mkdir()
    make_study(tmp_path / "studies")
    with serving("view", "runs", "--studies", "studies", folder=tmp_path) as served:
        page = visit(served.url)
        row = page.get_by_role("row", name=NAME)
        expect(row).to_contain_text(f"{CELLS * REPETITIONS} of {CELLS * REPETITIONS} runs")
        row.get_by_role("link").click()
        expect(page.get_by_text("runs done (12 ok)")).to_be_visible()
        cell = page.get_by_role("table", name="cells").get_by_role("row").filter(has_text="bbr").filter(has_text="1bdp")
        expect(cell.locator(".badge", has_text="ok")).to_have_count(REPETITIONS)
        cell.get_by_role("link").first.click()
        expect(page.get_by_role("tab", name="Links")).to_be_visible()
        expect(page.locator(".sentence")).to_contain_text("1 link")
