"""The report is what a reviewer sees: complete in itself, safe to open, and honest about what it leaves out."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.html_reader import read
from support.probe_report import client
from support.synthetic_run import handover_plan, make_run, plan_record, workload_result

from plctl.common.base.errors import UserError
from plctl.common.plan.run_plan import LinkPlan, Workload
from plctl.controller.commands.report import report as report_command
from plctl.controller.report import page as report
from plctl.controller.report.finishing import finish
from plctl.controller.report.markup import Markup
from plctl.controller.report.run_part import again
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_reader import read_record
from plctl.controller.verdict.certificate import UNSEEN

HOSTILE = "<script>alert('x')</script><img src=x onerror=y>&\"'"


def finished(base: Path, *plans: LinkPlan, **options: object) -> str:
    """The report of a synthetic run."""
    with make_run(base, plans or (handover_plan(),), **options) as folder:  # type: ignore[arg-type]  # passed on
        folder.close()
        return finish(folder.path).read_text()


def test_the_report_is_complete_in_itself(tmp_path: Path) -> None:
    """No script, and nothing is fetched: no address but the names of XML namespaces, no import, no style from afar."""
    page = finished(tmp_path)
    tags = {tag for tag, _ in read(Markup(page)).tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "image"}
    assert not re.search(r"https?://(?!www\.w3\.org/)|@import|url\((?!#)", page)


def test_the_report_says_what_was_asked_and_how_it_went(tmp_path: Path) -> None:
    """Verdict, seed, how to run it again, and six plots with both directions."""
    page = finished(tmp_path)
    text = read(Markup(page)).text
    for expected in ("handover", "The link did what was asked for", "plctl run --seed 1 scenarios/quickstart.yaml"):
        assert expected in text
    assert page.count("<svg") == 6
    assert text.count("up: client → server") == text.count("down: server → client") == 6
    assert "route 2" in text


def test_each_link_shows_what_its_verdict_rests_on(tmp_path: Path) -> None:
    """Who was heard, when and with what words, folded away while nobody objects; and what no witness can see."""
    page = read(Markup(finished(tmp_path, handover_plan("a"), handover_plan("b"), slow="b")))
    text = page.text
    assert re.search(r"Certificate: \d+ witnesses; all heard; none objects\.", text)
    assert re.search(r"Certificate: \d+ witnesses; all heard; objecting: lateness\.", text)
    assert "started 18 µs after T0, give or take 0 ns of clock error; the budget is 1 ms." in text
    assert "Executed 20 µs after T0, planned at T0; ended 14 s after T0." in text
    assert all(sentence in text for sentence in UNSEEN)


def test_what_users_wrote_never_becomes_markup(tmp_path: Path) -> None:
    """Names, commands, sources, causes and stderr are shown as text."""
    workload = Workload(HOSTILE.replace("/", ""), "client", ("sh", "-c", HOSTILE), env={"A": HOSTILE})
    plan = replace(handover_plan(HOSTILE.replace("/", "")), workloads=(workload,))
    record = replace(
        plan_record((plan,)), name=HOSTILE, command=("plctl", "run", HOSTILE), sources={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
    )  # fmt: skip
    page = finished(
        tmp_path, plan, record=record, workload=replace(workload_result("client", 1, HOSTILE), name=workload.name),
        artifacts={f"{workload.name}.stderr": HOSTILE.encode() + b"\xff\x00", f"{workload.name}.stdout": b"{"},
    )  # fmt: skip
    tags = read(Markup(page)).tags
    assert not [tag for tag, _ in tags if tag in ("script", "img")]
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert HOSTILE in read(Markup(page)).text


def test_a_link_that_is_not_ok_says_why(tmp_path: Path) -> None:
    """The cause stands in the headline and beside the link."""
    text = read(Markup(finished(tmp_path, handover_plan("a"), handover_plan("b"), slow="a", overloaded="b"))).text
    assert "2 of 2 links not ok, the worst: b: the machine, not the scenario, lost 7 frames up" in text
    assert "frames down left late: p99 3." in text


def test_a_failed_workload_shows_the_end_of_its_stderr(tmp_path: Path) -> None:
    """The last twenty lines, where the reason mostly is."""
    lines = "".join(f"line {number}\n" for number in range(100))
    text = read(Markup(finished(
        tmp_path, workload=workload_result("client", 2, "exit status 2"),
        artifacts={"client.stderr": lines.encode()},
    ))).text  # fmt: skip
    assert "client (at the client): exit status 2" in text
    assert "line 99" in text
    assert "line 79" not in text


def test_a_probes_figures_are_shown(tmp_path: Path) -> None:
    """One-way delay percentiles and losses stand beside the workload that measured them."""
    text = read(Markup(finished(tmp_path, artifacts={"client.stdout": client().encode()}))).text
    for figure in ("41.1 ms", "43 ms", "2 Mbit/s"):
        assert figure in text


def test_a_large_run_stays_small_and_names_what_it_leaves_out(tmp_path: Path) -> None:
    """Seventy links: the eight worst are drawn, the table is folded, the way to the others is told."""
    plans = [handover_plan(f"leo-{number}") for number in range(70)]
    page = finished(tmp_path, *plans, slow="leo-63")
    text = read(Markup(page)).text
    assert page.count("<svg") == 6 * report.MAX_DRAWN
    assert len(page) < 3_000_000
    assert "Drawn are 8 of 70 links" in text
    assert "69 ok, 1 late" in text
    assert page.count('<details class="link"') == report.MAX_DRAWN
    assert "<h3>leo-63</h3>" in page


def test_a_run_that_was_killed_can_still_be_reported(tmp_path: Path) -> None:
    """Without a verdict and with an open telemetry stream the page is made, and says that the run did not finish."""
    with make_run(tmp_path) as folder:
        record = json.loads((folder.path / "run.json").read_text())
        record |= {"verdict": "", "cause": "", "links": [{**record["links"][0], "verdict": "", "result": None}]}
        (folder.path / "run.json").write_text(json.dumps(record))
        text = read(Markup(report.write(folder.path).read_text())).text
    assert "unfinished" in text
    assert "no result" in text


def test_a_link_without_telemetry_is_said_to_have_none(tmp_path: Path) -> None:
    """A run that failed before T0 has a report as well."""
    with RunFolder.create(tmp_path, "r") as folder:
        folder.record_plan(plan_record((handover_plan(),)))
        folder.record_result([], failures={"leo-0": "no kernel"}, cancelled=False, finished_wall_ns=0)
        folder.close()
        text = read(Markup(finish(folder.path).read_text())).text
    assert "leo-0: no kernel" in text or "no kernel" in text
    assert "There is no telemetry of this link after T0" in text


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("plctl run a.yaml", "plctl run --seed 7 a.yaml"),
        ("plctl run --seed 7 a.yaml", "plctl run --seed 7 a.yaml"),
        ("plctl run --seed=7 a.yaml", "plctl run --seed=7 a.yaml"),
        ("plctl run a.csv -- ping host", "plctl run --seed 7 a.csv -- ping host"),
        ("", ""),
    ],
)
def test_the_command_to_run_it_again_has_the_seed(command: str, expected: str) -> None:
    """A seed that was drawn at random is added where `plctl run` reads it."""
    record = replace(plan_record(()), seed=7, command=tuple(command.split()))
    assert tuple(expected.split()) == again(record)


def test_the_command_draws_any_link_of_a_finished_run(tmp_path: Path) -> None:
    """`plctl report` writes another page beside the first, and refuses a link that is not there."""
    finished(tmp_path, handover_plan("a"), handover_plan("b"))
    (folder,) = tmp_path.iterdir()
    target = tmp_path / "b.html"
    result = CliRunner().invoke(report_command, [str(folder), "--link", "b", "--out", str(target)])
    assert (0, f"{target}\n") == (result.exit_code, result.output)
    assert "Drawn are 1 of 2 links" in read(Markup(target.read_text())).text
    with pytest.raises(UserError, match="has no link 'c'; it has a, b"):
        report.write(folder, links=["c"])
    assert read_record(folder).verdict == "ok"


def test_the_pictures_are_files_for_a_paper(tmp_path: Path) -> None:
    """Each as SVG and PDF in colours of their own, and what is drawn in it as numbers."""
    finished(tmp_path)
    (folder,) = tmp_path.iterdir()
    target = tmp_path / "figures"
    result = CliRunner().invoke(report_command, [str(folder), "--pictures", str(target)])
    assert (0, f"6 pictures as SVG, PDF and CSV in {target}\n") == (result.exit_code, result.output)
    names = {f"leo-0-{name}" for name in ("delay", "rate", "queue", "drops", "lateness", "delay-spread")}
    assert {f"{name}.{suffix}" for name in names for suffix in ("svg", "pdf", "csv")} == {
        path.name for path in target.iterdir()
    }
    drawn = (target / "leo-0-delay.svg").read_text()
    assert "#0072b2" in drawn
    assert "#0a0b" not in drawn
    assert "var(--" not in drawn
    with (target / "leo-0-delay.csv").open() as file:
        rows = list(csv.DictReader(file))
    asked = [(float(row["x"]), float(row["y"])) for row in rows if (row["panel"][:2], row["curve"]) == ("up", "asked")]
    assert [(0, 41), (2.2, 41.2), (4.6, 37), (8, 36.7), (10, 45), (12, 37), (14, 37)] == asked
    assert {"asked", "minimum", "median", "99th percentile"} == {row["curve"] for row in rows}
    assert {"delay, ms"} == {row["axis"] for row in rows}


def test_a_folder_can_be_completed_again(tmp_path: Path) -> None:
    """Completing it twice, as after a kill in between, leaves the same files, and the same telemetry in them."""
    with make_run(tmp_path) as folder:
        folder.close()
        finish(folder.path)
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    finish(folder.path)
    assert before.keys() == {path for path in folder.path.rglob("*") if path.is_file()}
    assert before[folder.path / "telemetry.parquet"] == (folder.path / "telemetry.parquet").read_bytes()
