"""Programs' own figures are drawn when they were executed, at the end that sent, and only of programs that have any."""

from __future__ import annotations

import json
from pathlib import Path

from support.html_reader import read
from support.synthetic_run import handover_plan, make_run

from plctl.controller.report.finishing import finish
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import MAX_POINTS
from plctl.controller.report.workload_plots import programs
from plctl.controller.results.run_reader import read_record


def intervals(count: int, *, sender: bool) -> bytes:
    """What iperf3 prints of so many seconds at 2 Mbit/s."""
    rows = [
        {"sum": {"start": at, "end": at + 1, "bits_per_second": 2e6, "omitted": False, "sender": sender}}
        for at in range(count)
    ]
    return json.dumps({"start": {}, "intervals": rows, "end": {}}).encode()


def page_of(base: Path, artifacts: dict[str, bytes]) -> tuple[Path, str]:
    """A synthetic run whose workloads, `server` and `client`, printed that; and its report."""
    with make_run(base, (handover_plan(),), artifacts=artifacts) as folder:
        folder.close()
    return folder.path, finish(folder.path).read_text()


def test_curves_begin_when_the_program_was_executed(tmp_path: Path) -> None:
    """The client was executed 20 µs after T0; what it received was sent by the server."""
    path, _ = page_of(tmp_path, {"client.stdout": intervals(3, sender=False)})
    (curve,) = programs(path, read_record(path).links[0])["rate"]["server"]
    assert "client: iperf3, received" == curve.name
    assert [0.50002, 1.50002, 2.50002] == [round(t_s, 5) for t_s in curve.t_s]
    assert [2.0, 2.0, 2.0] == [*curve.values]


def test_the_report_draws_them_beside_what_was_asked(tmp_path: Path) -> None:
    """Throughput and ping have a plot each; a program that says nothing has none."""
    ping = b"PING x (x) 56(84) bytes of data.\n64 bytes from x: icmp_seq=1 ttl=64 time=30.5 ms\n"
    _, page = page_of(tmp_path / "with", {"client.stdout": intervals(3, sender=True), "server.stdout": ping})
    text = read(Markup(page)).text
    assert "sent by the client: client: iperf3, sent" in text
    assert "sent by the server: server: ping" in text
    assert 8 == page.count("<svg")
    _, plain = page_of(tmp_path / "without", {"client.stdout": b"\xff{nothing"})
    assert "Throughput of programs" not in plain
    assert 6 == plain.count("<svg")


def test_a_long_measurement_has_few_points(tmp_path: Path) -> None:
    """Neighbours become their mean, so that the page stays small."""
    path, _ = page_of(tmp_path, {"client.stdout": intervals(3 * MAX_POINTS + 1, sender=True)})
    (curve,) = programs(path, read_record(path).links[0])["rate"]["client"]
    assert MAX_POINTS / 2 < len(curve.t_s) <= MAX_POINTS
    assert {2.0} == {*curve.values}
