"""A run that is over, as `plctl view` shows it: verdicts and causes, plots, files; and nothing as script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.synthetic_run import HOST, RUN, T0_NS, handover_plan, make_run, plan_record, workload_result

from browser.serving import Served, serving
from browser.visits import Visits
from plctl.common.plan.run_plan import Workload
from plctl.controller.report.page import write
from plctl.controller.results.run_folder import complete

#: What would run, or load something, wherever it were taken as markup.
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
#: What the page may need of a phone's width, in CSS pixels.
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run: six links, one late and one overloaded, and hostile text wherever a run can have any."""
    base = tmp_path_factory.mktemp("runs")
    hostile = (Workload("server", "server", ("cat",)), Workload("client", "client", ("echo", HOSTILE), start_ns=0))
    plans = [handover_plan(f"leo-{number}") for number in range(6)]
    plans[0] = replace(plans[0], workloads=hostile)
    event = {"ts": "2026-11-23T04:15:31.000000Z", "t_ns": T0_NS + 5 * 10**9, "host": HOST, "link": "leo-0"}
    record = replace(plan_record(tuple(plans)), labels={"note": HOSTILE})
    with make_run(
        base, tuple(plans), record=record, slow="leo-3", overloaded="leo-4",
        workload=workload_result("client", 3, HOSTILE),
        events=[{**event, "event": "workload.ended", "cause": HOSTILE, "workload": HOSTILE}],
        artifacts={"client.stdout": f"{HOSTILE}\n".encode(), "client.stderr": b"woe\n"},
    ) as folder:  # fmt: skip
        folder.close()
        complete(folder.path, lambda path: write(path, links=["leo-4"]))
    return base


@pytest.fixture(scope="module")
def served(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`plctl view` over it."""
    with serving("view", str(runs), folder=tmp_path_factory.mktemp("view")) as served:
        yield served


def run_address(served: Served, *rest: str) -> str:
    """Where the run is shown, or a part of it."""
    return f"{served.url}#/{'/'.join(('runs', RUN, *rest))}"


def test_the_overview_leads_to_the_run(visit: Visits, served: Served) -> None:
    """A row with its verdict; its name opens it; what is not there is said in words."""
    page = visit(served.url)
    row = page.get_by_role("row", name=RUN)
    expect(row.locator(".badge")).to_have_text("failed")
    expect(page.get_by_text("There is no study here.")).to_be_visible()
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="handover", level=1)).to_be_visible()


def test_the_link_that_is_not_well_is_told_first(visit: Visits, served: Served) -> None:
    """In a sentence, by a sign in its cell, and chosen already."""
    page = visit(run_address(served))
    expect(page.locator(".sentence")).to_have_text(re.compile(r"^6 of 6 links not well: leo-\d on edge-1"))
    expect(page.get_by_role("option", name="leo-3 on edge-1")).to_contain_text("×")
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(1)


def test_plots_show_asked_beside_measured(visit: Visits, served: Served) -> None:
    """Delay, rate, queue, drops and lateness, both directions, in the report's words, and something is drawn."""
    page = visit(run_address(served, "links", "leo-4"))
    for name in ("delay", "rate", "queue", "drops", "lateness"):
        expect(page.locator(f"[data-figure={name}] canvas")).to_have_count(2)
    expect(page.locator("[data-figure=delay]")).to_contain_text("propagation delay asked for")
    expect(page.locator("[data-figure=delay] .says").first).to_contain_text("asked 37 ms")
    expect(page.locator("[data-figure=drops]")).to_contain_text("packets that the machine lost, which nobody asked for")
    assert drawn_colours(page, "[data-figure=rate] canvas") > 3


def drawn_colours(page: Page, canvas: str) -> int:
    """How many colours the first such canvas has, without shades of a thousandth of it."""
    count: int = page.locator(canvas).first.evaluate(
        """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const seen = new Map();
            for (let at = 0; at < data.length; at += 4) {
                const colour = data.slice(at, at + 4).join();
                seen.set(colour, (seen.get(colour) ?? 0) + 1);
            }
            return [...seen.values()].filter((count) => count > 20).length;
        }"""
    )
    return count


def test_a_zoom_shows_a_part_and_its_end_shows_all_again(visit: Visits, served: Served) -> None:
    """By dragging over a plot, by keys, and back by 0."""
    page = visit(run_address(served, "links", "leo-4"))
    over = page.locator("[data-figure=rate] .u-over").first
    expect(over).to_be_visible()
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20, steps=4)
    page.mouse.up()
    says = page.locator(".plot-tools .muted")
    expect(says).to_have_text(re.compile(r"^3\.\d\d s to (6\.9|7\.0)\d s"))
    page.keyboard.press("-")
    expect(says).to_have_text(re.compile(r"^1\.\d\d s to 8\.\d\d s"))
    page.keyboard.press("0")
    expect(page.get_by_role("button", name="Freeze")).to_be_visible()


def test_nothing_of_a_run_is_markup(visit: Visits, served: Served) -> None:
    """A label, command, output, cause and event that hold <img onerror> and <script> are only text."""
    page = visit(served.url)
    expect(page.get_by_role("row", name=RUN)).to_contain_text(f"note={HOSTILE}")
    assert 0 == page.locator("main img, main script, main iframe").count()
    for rest in ((), ("links", "leo-0"), ("events",), ("why",), ("why", "leo-0")):
        page.evaluate("address => { location.href = address; }", run_address(served, *rest))
        expect(page.get_by_role("tabpanel")).to_contain_text("<img src=x")
        assert 0 == page.locator("main img, main script, main iframe").count()
        assert RUN in page.title()


def test_output_and_causes_of_workloads_are_shown(visit: Visits, served: Served) -> None:
    """What a program wrote, and the other stream on demand."""
    page = visit(run_address(served, "links", "leo-1"))
    client = page.locator("details", has_text="at the client")
    expect(client.locator("pre")).to_have_text(f"{HOSTILE}\n")
    client.get_by_role("combobox").select_option("stderr")
    expect(client.locator("pre")).to_have_text("woe\n")


def test_why_tells_causes_then_witnesses_then_what_happened(visit: Visits, served: Served) -> None:
    """First each cause with its links, then one link's whole history."""
    page = visit(run_address(served, "why"))
    page.locator(".causes").get_by_role("link", name="leo-4").first.click()
    expect(page.get_by_role("heading", name="Why leo-4")).to_be_visible()
    expect(page.get_by_role("table", name="certificate")).to_contain_text("lateness")
    expect(page.locator("pre.lines")).to_contain_text("planned start")


def test_files_are_downloaded_as_they_are(visit: Visits, served: Served, runs: Path) -> None:
    """The record as a download, with the bytes that are on disk."""
    page = visit(run_address(served, "files"))
    with page.expect_download() as started:
        page.get_by_role("link", name="run.json").click()
    assert (runs / RUN / "run.json").read_bytes() == Path(started.value.path()).read_bytes()


def test_the_report_cannot_reach_the_page(visit: Visits, served: Served) -> None:
    """It opens beside the page, and its policy keeps script out of it."""
    page = visit(run_address(served))
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Report").click()
    report = opened.value
    expect(report.get_by_role("heading", name="handover")).to_be_visible()
    assert report.evaluate("window.opener") is None


def test_a_phone_shows_all_without_scrolling_sideways(visit: Visits, served: Served) -> None:
    """Tables scroll in themselves; the page does not."""
    page = visit(served.url, viewport=PHONE)
    whole = (("links", "leo-0"), ("events",), ("why", "leo-0"), ("files",))
    for address in (served.url, *(run_address(served, *rest) for rest in whole)):
        page.evaluate("address => { location.href = address; }", address)
        expect(page.get_by_text("Loading …").locator("visible=true")).to_have_count(0)
        expect(page.locator("#main h1")).to_have_count(1)
        assert PHONE["width"] >= page.evaluate("document.documentElement.scrollWidth")


def test_colours_follow_the_system_and_whoever_chooses(visit: Visits, served: Served) -> None:
    """Dark where the system is; the switch goes before it, and is remembered."""
    page = visit(served.url, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    expect(page.get_by_role("button", name="Colours")).to_be_visible()
    assert "rgb(20, 24, 29)" == page.evaluate(ground)
    page.keyboard.press("t")
    assert "rgb(255, 255, 255)" == page.evaluate(ground)
    page.reload()
    expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
    assert "rgb(255, 255, 255)" == page.evaluate(ground)


def test_a_run_that_is_not_there_is_a_sentence(visit: Visits, served: Served) -> None:
    """Not an empty page."""
    visit.requests_may_fail = True
    page = visit(f"{served.url}#/runs/nobody")
    expect(page.locator("main")).to_contain_text("nobody")
    expect(page.locator("main .cause").first).to_contain_text("no run")


def test_a_cell_keeps_its_colour_under_the_pointer(visit: Visits, served: Served) -> None:
    """It says how the link is, also while somebody points at it."""
    page = visit(run_address(served))
    cell = page.get_by_role("option", name="leo-3 on edge-1")
    page.mouse.move(0, 0)
    colour = "cell => getComputedStyle(cell).backgroundColor"
    before = cell.evaluate(colour)
    cell.hover()
    assert before == cell.evaluate(colour)


def test_what_is_asked_is_of_the_interval_that_was_measured(visit: Visits, served: Served) -> None:
    """Beyond the newest interval the row of that interval, not one that is still to come; else that of the instant."""
    page = visit(run_address(served))
    found = page.evaluate(
        """async () => {
            const { Curves } = await import("/static/js/plots/curves.js");
            const asked = { t_s: [0, 1, 2], delay_ns: [10, 20, 30], rate_bps: [1, 2, 3] };
            const curves = new Curves({ asked, measured: { start_s: [0, 0.9], end_s: [0.9, 1], lost: [4, 5] } });
            return [5, 1, 0.2].map((t_s) => [curves.at(t_s).delay_ns, curves.at(t_s).lost]);
        }"""
    )
    assert [[10, 5], [10, 5], [10, 4]] == found
