"""Two runs stand side by side: what was asked differently, how both went, and the same plots on the same axes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.html_reader import read
from support.synthetic_run import RUN, handover_plan, make_run, plan_record

from plctl.common.base.errors import UserError
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.controller.commands.report import report as report_command
from plctl.controller.report import link_plots
from plctl.controller.report.comparison import pair_links, write
from plctl.controller.report.figure_style import Plot, on_one_scale
from plctl.controller.report.link_part import curves_of
from plctl.controller.report.markup import Markup
from plctl.controller.results import telemetry_file
from plctl.controller.results.run_folder import complete
from plctl.controller.results.run_reader import read_record

HOSTILE = "<script>alert('x')</script>"


def folder_of(base: Path, *plans: LinkPlan, **options: object) -> Path:
    """A synthetic run, complete but for its report."""
    with make_run(base, plans or (handover_plan(),), **options) as folder:  # type: ignore[arg-type]  # passed on
        folder.close()
    complete(folder.path)
    return folder.path


def test_the_page_says_what_differs_and_how_both_went(tmp_path: Path) -> None:
    """Only what differs, of runs and links; the verdicts of both; each plot twice; and names stay text."""
    plan = handover_plan(HOSTILE.replace("/", ""))
    other = replace(plan, queue=Queue("codel", Capacity("packets", 100)))
    record = replace(plan_record((other,)), seed=7, name=HOSTILE)
    paths = folder_of(tmp_path / "a", plan), folder_of(tmp_path / "b", other, record=record, slow=plan.name)
    page = write(paths, tmp_path / "ab.html").read_text()
    text = read(Markup(page)).text
    for words in (HOSTILE, "droptail", "discipline codel, capacity unit packets, amount 100", "late"):
        assert words in text
    assert "seed17" in re.sub(r"[\s|]+", "", text)
    for same in ("mtu", "duration", "workload client"):
        assert same not in text
    assert 2 * 6 == page.count("<svg")
    assert not {tag for tag, _ in read(Markup(page)).tags} & {"script", "link", "img"}
    assert len(page) < 1_000_000


def test_plots_have_the_same_axes(tmp_path: Path) -> None:
    """The wider of both; a plot that only one run has stays as it is."""
    path = folder_of(tmp_path)
    record = read_record(path)
    own = telemetry_file.read(path, record.run, record.t0_by_host())
    curves = curves_of(record, record.links[0], own)
    assert curves
    slower = {way: replace(each, transit_p99_ns=each.transit_p99_ns * 50) for way, each in curves.measured.items()}
    wide = replace(curves, measured=slower, until_s=20.0)
    both = (replace(curves, beside=(wide,)), replace(wide, beside=(curves,)))
    first, second = (read(each).text for each in on_one_scale([link_plots.delay(each) for each in both], "delay"))
    assert first == second
    assert "delay, ms (logarithmic)" in first
    alone = link_plots.delay(curves)
    assert isinstance(alone, Plot)
    assert "delay, ms (logarithmic)" not in read(alone).text
    assert ["", True] == [each and "<svg" in each for each in on_one_scale([Markup(), alone], "delay")]


def test_links_are_paired_by_name() -> None:
    """Or are the only ones; of many those that were named; where there are none it is said."""
    first, second = (plan_record(tuple(map(handover_plan, names))) for names in (("a", "b"), ("b", "c")))
    assert [("b", "b")] == [(ours.plan.name, theirs.plan.name) for ours, theirs in pair_links(first, second, [])]
    alone = [plan_record((handover_plan(name),)) for name in ("x", "y")]
    assert [("x", "y")] == [(ours.plan.name, theirs.plan.name) for ours, theirs in pair_links(*alone, [])]
    with pytest.raises(UserError, match="not both runs have a link 'a'"):
        pair_links(first, second, ["a"])
    with pytest.raises(UserError, match="have no link of the same name"):
        pair_links(first, plan_record((handover_plan("c"), handover_plan("d"))), [])


def test_the_command_compares_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes a page where one is, and prints its name; pictures are of one run."""
    monkeypatch.chdir(tmp_path)
    paths = [str(folder_of(tmp_path / way)) for way in "ab"]
    with pytest.raises(UserError, match="--pictures is of one run"):
        CliRunner().invoke(report_command, [*paths, "--pictures", "figures"], catch_exceptions=False)
    result = CliRunner().invoke(report_command, paths)
    assert f"{RUN}-and-{RUN}.html\n" == result.output
    assert Path(f"{RUN}-and-{RUN}.html").is_file()
