"""What TCP senders did is drawn flow by flow, and nothing is drawn of those who only listened."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from support.html_reader import read
from support.synthetic_run import DURATION_NS, HOST, INTERVAL_NS, T0_NS, handover_plan, make_run

from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import End
from plctl.common.telemetry.socket_stats import Flow, SocketSample, SocketSamples
from plctl.controller.report.figure_style import Plot
from plctl.controller.report.finishing import finish
from plctl.controller.report.link_part import curves_of
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.socket_plots import MAX_FLOWS, round_trip, senders, window
from plctl.controller.results import socket_stats_file, telemetry_file
from plctl.controller.results.run_reader import read_record


def looks(number: int, acked: int, end: End = "client") -> list[tuple[Flow, SocketSample]]:
    """A flow that was looked at all through the run; its window grows by a segment with each look."""
    flow = Flow("leo-0", end, "192.168.22.2", 40000 + number, "192.168.66.2", 5201, "cubic", number)
    nothing = dict.fromkeys(SocketSample._fields, 0)
    return [
        (
            flow,
            SocketSample(
                **(nothing | {"t_ns": T0_NS + at * INTERVAL_NS, "state": 1, "bytes_acked": acked * at,
                              "cwnd_bytes": 14_480 + 1448 * at, "srtt_ns": 82_000_000 if at else -1})
            ),
        )
        for at in range(DURATION_NS // INTERVAL_NS)
    ]  # fmt: skip


def table_of(base: Path, *flows: list[tuple[Flow, SocketSample]]) -> Path:
    """A run's folder with those flows."""
    with make_run(base) as folder:
        folder.append_socket_stats(HOST, SocketSamples.of([each for flow in flows for each in flow]))
    return folder.path


def test_senders_are_those_whose_data_was_acknowledged(tmp_path: Path) -> None:
    """The largest of each end, most first; whoever only received is left out, and units are kept."""
    flows = [looks(number, acked=1000 * number) for number in range(MAX_FLOWS + 3)]
    path = table_of(tmp_path, *flows, looks(99, acked=0, end="server"))
    record = read_record(path)
    found = senders(socket_stats_file.read(path, record.run, record.t0_by_host()), "leo-0")
    ports = [f"192.168.22.2:{40000 + number} → 192.168.66.2:5201, cubic" for number in (7, 6, 5, 4, 3)]
    assert ({"client": ports, "server": []}) == {end: [flow.name for flow in each] for end, each in found.items()}
    curve = found["client"][0]
    last = DURATION_NS // INTERVAL_NS - 1
    assert (0.0, 14_480, 14_480 + 1448 * last) == (curve.t_s[0], curve.cwnd_bytes[0], curve.cwnd_bytes[-1])
    assert 82_000_000 == curve.srtt_ns[-1]
    telemetry = telemetry_file.read(path, record.run, record.t0_by_host())
    link = curves_of(record, record.links[0], telemetry)
    assert link
    assert 0 < len(window(found, link)) < 60_000
    assert "smoothed RTT of the flows of link leo-0" in round_trip(found, link)


def test_flows_lie_on_what_they_met(tmp_path: Path) -> None:
    """Windows on the queue of the way that their data went, round-trip times on the delay there and back."""
    path = table_of(tmp_path, looks(1, acked=1000))
    record = read_record(path)
    link = curves_of(record, record.links[0], telemetry_file.read(path, record.run, record.t0_by_host()))
    assert link
    found = senders(socket_stats_file.read(path, record.run, record.t0_by_host()), "leo-0")
    for plot, name in ((window(found, link), "window"), (round_trip(found, link), "rtt")):
        assert isinstance(plot, Plot)
        plot.write_files(tmp_path, name)
    queue = [row for row in numbers(tmp_path / "window.csv") if row["curve"] == "queue of the link"]
    measured = link.measured["up"].queue_bytes / 1000
    assert [*measured] == [float(row["y"]) for row in queue if row["panel"] == "sent by the client"]
    asked = [(float(row["x"]), float(row["y"])) for row in numbers(tmp_path / "rtt.csv") if row["curve"] == "asked"]
    assert [(0, 82), (2.2, 82.4), (4.6, 74)] == asked[:3]


def numbers(path: Path) -> list[dict[str, str]]:
    """The rows of a picture's numbers."""
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_report_shows_flows_where_there_are_any(tmp_path: Path) -> None:
    """Two plots more, with addresses; a run that looked at no sockets has none and says nothing of them."""
    with make_run(tmp_path / "without") as folder:
        folder.close()
        plain = read(finish(folder.path).read_text())
    assert "Congestion window" not in plain.text
    page = read(_finished(table_of(tmp_path / "with", looks(1, acked=1000))))
    assert "Congestion window" in page.text
    assert "192.168.22.2:40001 → 192.168.66.2:5201, cubic" in page.text


def _finished(path: Path) -> str:
    return finish(path).read_text()


def test_a_flow_is_called_by_every_congestion_control_that_was_in_force(tmp_path: Path) -> None:
    """A sender that began with bbr and got cubic at its fourth look is no bbr flow: both are named, with times."""
    looked = looks(1, acked=1000)
    began = [(replace(flow, congestion_control="bbr"), sample) for flow, sample in looked[:3]]
    path = table_of(tmp_path, began + looked[3:])
    record = read_record(path)
    (flow,) = senders(socket_stats_file.read(path, record.run, record.t0_by_host()), "leo-0")["client"]
    since_s = 3 * INTERVAL_NS / NS_PER_S
    assert f"192.168.22.2:40001 → 192.168.66.2:5201, bbr, from {since_s:.3g} s cubic" == flow.name
    assert (since_s,) == flow.changes_s
    page = read(_finished(path))
    assert f"bbr, from {since_s:.3g} s cubic" in page.text
    assert "A stroke across a line: the flow got another congestion control." in page.text


def test_nothing_is_drawn_of_nobody() -> None:
    """No flows, no plot."""
    link = LinkCurves(handover_plan(), {}, {}, 1.0, 0)
    assert "" == window({"client": [], "server": []}, link)


def test_a_link_without_looks_has_no_senders() -> None:
    """Also where the file is of other links."""
    empty = socket_stats_file.COLUMNS.final.empty_table()
    assert {"client": [], "server": []} == senders(empty, handover_plan().name)
