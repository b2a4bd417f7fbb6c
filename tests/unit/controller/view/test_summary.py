"""The last words of a run: what a person reads and what a program parses must agree."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from support.synthetic_run import handover_plan, make_run

from plctl.controller.results.run_record import EarlierAttempt, RunRecord
from plctl.controller.view.summary import document, show


def record_of(base: Path, *names: str, **options: str) -> tuple[RunRecord, Path]:
    """A finished run with these links, and its folder."""
    with make_run(base, tuple(map(handover_plan, names)), **options) as folder:  # type: ignore[arg-type]  # passed on
        assert folder.record is not None
        return folder.record, folder.path


def text_of(record: RunRecord, folder: Path) -> str:
    """What is printed where there is no terminal."""
    console = Console(file=io.StringIO(), width=200, force_terminal=False)
    show(console, record, folder)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_verdict_and_the_cause_of_every_link_are_printed(tmp_path: Path) -> None:
    """Each link has its line, a bad one its sentence, and the folder can be copied in one piece."""
    record, folder = record_of(tmp_path, "a", "b", slow="b")
    text = text_of(record, folder)
    lines = text.splitlines()
    assert ["a", "ok", "2811", "11281", "1366", "0"] == lines[1].split()[:6]
    assert ["b", "late"] == lines[2].split()[:2]
    assert "  b: frames down left late: p99 3." in text
    assert "verdict: late" in lines
    assert f"results: {folder}" in lines
    assert "report:" not in text


def test_the_certificate_is_summed_up_in_a_line(tmp_path: Path) -> None:
    """How many witnesses there are, whether all were heard, and who objects; nothing where there is no certificate."""
    record, folder = record_of(tmp_path, "a", "b", slow="b")
    count = len({each.witness for each in record.links[0].certificate})
    assert f"certificate: {count} witnesses; all heard; objecting: lateness" in text_of(record, folder).splitlines()
    assert "certificate" in document(record, folder)["links"][0]
    old = replace(record, links=tuple(replace(link, certificate=()) for link in record.links))
    assert "certificate:" not in text_of(old, folder)


def test_flows_that_got_another_congestion_control_are_told(tmp_path: Path) -> None:
    """By their addresses, with all that was in force and from when on; many of them are cut short."""
    record, folder = record_of(tmp_path, "a")
    record = replace(record, socket_stats_ns=100_000_000)
    assert "congestion control" not in text_of(record, folder)

    def change(port: int, after_t0_s: float, was: str, now: str) -> dict[str, object]:
        facts = {"local": "192.168.22.2", "local_port": port, "remote": "192.168.66.2", "remote_port": 5201}
        return {
            "event": "socket.congestion_control",
            "link": "a",
            "was": was,
            "now": now,
            "after_t0_s": after_t0_s,
        } | facts

    log = [change(40001, 0.05, "bbr", "cubic"), change(40001, 2.0, "cubic", "reno")]
    log += [change(40002 + number, 1.0, "bbr", "cubic") for number in range(10)]
    with (folder / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in log)
    lines = text_of(record, folder).splitlines()
    flow = "a: congestion control of 192.168.22.2:40001 → 192.168.66.2:5201"
    assert f"  {flow}: bbr, from 0.05 s cubic, from 2 s reno" in lines
    assert "  … and 1 more: plctl events" in lines


def test_a_report_is_named_once_it_is_there(tmp_path: Path) -> None:
    """The path is that of a file."""
    record, folder = record_of(tmp_path, "a")
    (folder / "report.html").touch()
    assert f"report:  {folder / 'report.html'}" in text_of(record, folder).splitlines()
    assert document(record, folder)["report"] == str(folder / "report.html")


def test_of_many_links_only_those_not_ok_are_listed(tmp_path: Path) -> None:
    """The others are counted."""
    record, folder = record_of(tmp_path, *(f"leo-{number}" for number in range(25)), overloaded="leo-7")
    text = text_of(record, folder)
    assert "links: 24 ok, 1 overloaded" in text
    assert "leo-7" in text
    assert "leo-8" not in text


def test_one_finding_about_many_links_is_told_once(tmp_path: Path) -> None:
    """The first links are named and the others counted; of many findings the first are told."""
    record, folder = record_of(tmp_path, *(f"leo-{number}" for number in range(12)))
    same = replace(record, links=tuple(replace(link, cause="no veth") for link in record.links))
    assert "  leo-0, leo-1, leo-2, leo-3 and 8 more: no veth" in text_of(same, folder).splitlines()
    causes = [f"cause {number}" for number in range(12)]
    links = zip(record.links, causes, strict=True)
    other = replace(record, links=tuple(replace(link, cause=cause) for link, cause in links))
    text = text_of(other, folder)
    assert "cause 9" in text
    assert "cause 10" not in text
    assert f"  … and 2 more: plctl why LINK --run {record.run}" in text.splitlines()


def test_the_json_document_has_all_figures(tmp_path: Path) -> None:
    """It is plain JSON, with the verdict, the skew and both directions' counts of every link."""
    record, folder = record_of(tmp_path, "a", "b", overloaded="b")
    read = json.loads(json.dumps(document(record, folder)))
    assert ("overloaded", None) == (read["verdict"], read["report"])
    assert ["ok", "overloaded"] == [link["verdict"] for link in read["links"]]
    link = read["links"][1]
    assert (18_000, 0, 7) == (link["skew_ns"], link["clock_bound_ns"], link["up"]["lost_ring"])
    assert ["server", "client"] == [workload["name"] for workload in link["workloads"]]


def test_a_link_without_a_result_is_printed_too(tmp_path: Path) -> None:
    """A host that fell silent has a line and a cause; in JSON its figures are null."""
    with make_run(tmp_path) as folder:
        record = folder.record_result([], failures={}, cancelled=False, finished_wall_ns=0)
    assert "leo-0: no result came from its host edge-1" in text_of(record, folder.path)
    assert document(record, folder.path)["links"][0]["up"] is None


def test_every_attempt_is_told(tmp_path: Path) -> None:
    """Those before, with what kept each from its end, and what kept this one; nothing where there was but one."""
    record, folder = record_of(tmp_path, "a")
    assert "attempt 1" not in text_of(record, folder)
    before = EarlierAttempt("r", "agent lost", "a: agent lost 3 s after T0: b is gone", ("b",))
    record = replace(record, attempts=(before,), retries=2, setback="not started", setback_by=("c",))
    lines = text_of(record, folder).splitlines()
    assert "attempt 1: r: agent lost: a: agent lost 3 s after T0: b is gone" in lines
    assert "attempt 2 of at most 3: this one" in lines
    assert "setback: not started (c)" in lines
    assert [("r", "agent lost")] == [(a["run"], a["setback"]) for a in document(record, folder)["attempts"]]
