"""The page by its keys alone: where one is, what they do, and that they keep still while somebody writes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from support.synthetic_run import RUN, handover_plan, make_run

from browser.serving import Served, serving
from browser.visits import Visits
from plctl.controller.results.run_folder import complete

LINKS = 30


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A run of many links, one of which is late."""
    base = tmp_path_factory.mktemp("runs")
    plans = tuple(handover_plan(f"leo-{number}") for number in range(LINKS))
    with make_run(base, plans, slow="leo-17") as folder:
        folder.close()
        complete(folder.path)
    with serving("view", str(base), folder=base) as served:
        yield served


def focused(page: Page) -> str:
    """The words of what has the focus."""
    words: str = page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    return words


def test_a_walk_from_the_overview_to_a_cause(visit: Visits, served: Served) -> None:
    """Tab and Enter, then single keys: the next link that is not well, why, and back to the overview."""
    page = visit(served.url)
    expect(page.get_by_role("link", name=RUN)).to_be_visible()
    page.keyboard.press("Tab")
    assert "Skip to the content" == focused(page)
    page.keyboard.press("j")
    assert RUN == focused(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="handover", level=1)).to_be_visible()
    expect(page.locator("[role=option]")).to_have_count(LINKS)
    expect(page.get_by_role("heading", name="leo-17")).to_be_visible()  # the worst comes first
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="leo-18")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="leo-17")).to_be_visible()
    page.keyboard.press("w")
    expect(page.get_by_role("heading", name="Why leo-17")).to_be_visible()
    page.keyboard.press("2")
    expect(page.get_by_role("tab", name="Events")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()


def test_cells_are_walked_by_arrows(visit: Visits, served: Served) -> None:
    """One stop for Tab in the whole matrix; arrows, Home and End move inside of it; Enter shows a link."""
    page = visit(f"{served.url}#/runs/{RUN}")
    expect(page.get_by_role("heading", name="leo-17")).to_be_visible()
    assert 1 == page.locator("[role=option][tabindex='0']").count()
    page.locator("[role=option][tabindex='0']").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert focused(page).startswith("leo-1 on edge-1")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"leo-{LINKS - 1}")).to_be_visible()


def test_the_list_of_keys_opens_and_closes(visit: Visits, served: Served) -> None:
    """With ? and Esc; it lists those of the view and those that are everywhere."""
    page = visit(f"{served.url}#/runs/{RUN}")
    expect(page.get_by_role("tab", name="Links")).to_be_visible()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("the next link that is not well")
    expect(dialog).to_contain_text("overview")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_single_keys_can_be_switched_off(visit: Visits, served: Served) -> None:
    """For those whose programs type by themselves; the list itself still opens."""
    page = visit(f"{served.url}#/runs/{RUN}")
    expect(page.get_by_role("tab", name="Links")).to_be_visible()
    page.keyboard.press("?")
    page.get_by_label("Single keys work on this page").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    expect(page.get_by_role("tab", name="Links")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_the_filter_takes_letters_as_letters(visit: Visits, served: Served) -> None:
    """/ goes there, what is written filters, Esc leaves."""
    page = visit(f"{served.url}#/runs/{RUN}")
    expect(page.locator("[role=option]")).to_have_count(LINKS)
    page.keyboard.press("/")
    page.keyboard.type("leo-2")  # contains keys that mean something elsewhere
    expect(page.locator("[role=option]")).to_have_count(11)
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(page.get_by_role("tab", name="Why")).to_have_attribute("aria-selected", "true")


def test_states_sort_and_filter_the_matrix(visit: Visits, served: Served) -> None:
    """Only those that are late; and the worst first."""
    page = visit(f"{served.url}#/runs/{RUN}")
    expect(page.locator("[role=option]")).to_have_count(LINKS)
    page.get_by_label("order of links").select_option("worst first")
    assert "leo-17" == page.locator("[role=option]").first.get_attribute("data-link")
    page.get_by_role("button", name="1 late or skewed").click()
    expect(page.locator("[role=option]")).to_have_count(1)
