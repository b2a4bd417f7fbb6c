"""Readers of programs' output, on what these programs printed (iperf 3.12 and iputils over loopback)."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import probe_report

from plctl.common.base.errors import UserError
from plctl.controller.analysis.columns import table_of
from plctl.controller.metrics.flow import FlowMetrics, NoMetricsError
from plctl.controller.metrics.opening import metric_reader, metric_reader_names
from plctl.controller.metrics.over_time import over_time

DATA = Path(__file__).parent / "data"
PING = """PING 192.168.66.2 (192.168.66.2) 56(84) bytes of data.
64 bytes from 192.168.66.2: icmp_seq=1 ttl=64 time=82.3 ms
64 bytes from 192.168.66.2: icmp_seq=2 ttl=64 time=80.1 ms
64 bytes from 192.168.66.2: icmp_seq=2 ttl=64 time=99.9 ms (DUP!)
64 bytes from 192.168.66.2: icmp_seq=4 ttl=64 time=81 ms

--- 192.168.66.2 ping statistics ---
4 packets transmitted, 3 received, +1 duplicates, 25% packet loss, time 3004ms
rtt min/avg/max/mdev = 80.100/81.133/82.300/0.903 ms
"""


def read(reader: str, output: str) -> list[FlowMetrics]:
    return metric_reader(reader).read(output)


def iperf3(name: str) -> list[FlowMetrics]:
    return read("iperf3", (DATA / f"iperf3-{name}.json").read_text())


def test_tcp_streams_of_a_client() -> None:
    """Goodput is what the receiver got; round-trip times are ns."""
    first, second = iperf3("tcp-two-streams")
    assert ("stream 5", "stream 7") == (first.flow, second.flow)
    assert 1507275 == first.values["received_bytes"]
    assert 1572864 == first.values["sent_bytes"]
    assert 4796420047.732697 == first.values["goodput_bps"]
    assert (39_000, 35_000) == (first.values["rtt_mean_ns"], second.values["rtt_mean_ns"])
    assert 0 == first.values["retransmitted_segments"]
    assert 1178694 == first.values["cwnd_max_bytes"]


def test_tcp_from_the_server_read_at_either_end() -> None:
    """What an end was not told, iperf3 prints as 0: that is no measurement."""
    (client,), (server,) = iperf3("tcp-reverse-client"), iperf3("tcp-reverse-server")
    assert 2255608496.90777 == client.values["goodput_bps"]
    assert {"rtt_min_ns", "cwnd_max_bytes"}.isdisjoint(client.values)
    assert "goodput_bps" not in server.values
    assert 1_222_000 == server.values["rtt_min_ns"]
    assert ("bbr", 1) == (client.values["congestion_control"], client.values["retransmitted_segments"])


@pytest.mark.parametrize("end", ["client", "server"])
def test_udp(end: str) -> None:
    """Both ends say the same of what was received."""
    (flow,) = iperf3(f"udp-{end}")
    assert (8, 0, 0.0) == (flow.values["sent_packets"], flow.values["lost_packets"], flow.values["loss_ratio"])
    assert 2096757.809531808 == flow.values["goodput_bps"]
    assert 307_186 == flow.values["jitter_ns"]


def test_lost_datagrams_of_one_of_several_streams() -> None:
    """A sender's rate less the share that was lost."""
    stream = {"udp": {"socket": 5, "bits_per_second": 1000.0, "packets": 10, "lost_packets": 4}}
    flows = read("iperf3", json.dumps({"end": {"streams": [stream, stream], "sum_received": {"bits_per_second": 9e9}}}))
    assert [600.0, 600.0] == [flow.values["goodput_bps"] for flow in flows]


def test_an_iperf3_that_failed() -> None:
    """Its own words."""
    with pytest.raises(NoMetricsError, match="iperf3 says: unable to connect to server: Connection refused"):
        read(
            "iperf3",
            '{"start": {}, "intervals": [], "end": {}, "error": "unable to connect to server: Connection refused"}',
        )


def test_a_server_of_two_tests() -> None:
    """Documents one after the other, with other lines between them."""
    text = (DATA / "iperf3-tcp-reverse-client.json").read_text()
    assert ["test 1 stream 5", "test 2 stream 5"] == [f.flow for f in read("iperf3", f"warning: x\n{text}\n\n{text}")]


def test_ping() -> None:
    """A duplicate is no reply; percentiles are of the replies."""
    (flow,) = read("ping", PING)
    assert "192.168.66.2" == flow.flow
    expected = {
        "sent_packets": 4, "received_packets": 3, "lost_packets": 1, "loss_ratio": 0.25, "duplicates_packets": 1,
        "rtt_min_ns": 80_100_000, "rtt_mean_ns": 81_133_333, "rtt_p50_ns": 81_000_000, "rtt_p99_ns": 82_300_000,
        "rtt_max_ns": 82_300_000,
    }  # fmt: skip
    assert expected == flow.values


def test_two_pings_of_one_address() -> None:
    """Each is a flow, and no two have one name."""
    assert ["192.168.66.2", "192.168.66.2 (2)"] == [flow.flow for flow in read("ping", PING + PING)]


def test_ping_that_was_ended() -> None:
    """Its replies count though it printed no summary."""
    (flow,) = read("ping", PING.split("\n---", maxsplit=1)[0])
    assert 81_000_000 == flow.values["rtt_p50_ns"]
    assert "sent_packets" not in flow.values


def test_flent() -> None:
    """A null is a moment without a sample."""
    document = {
        "metadata": {"SERIES_META": {"Ping (ms) ICMP": {"UNITS": "ms"}}},
        "x_values": [0, 1, 2, 3],
        "results": {"Ping (ms) ICMP": [20.0, None, 30.0, 40.0], "TCP download": [None, None, None, None]},
    }
    ping, tcp = read("flent", json.dumps(document))
    assert {"samples": 3, "units": "ms", "mean": 30.0, "median": 30.0} == ping.values
    assert ("TCP download", {"samples": 0}) == (tcp.flow, tcp.values)


def test_json_paths() -> None:
    """Of the last document, through lists, named or by the path."""
    text = '{"a": {"b": [1, 2]}}\n{"a": {"b": [3, 4.5]}}\n'
    assert {"a_b_1": 4.5} == read("json:a.b.1", text)[0].values
    assert {"goodput_bps": 3} == read("json:goodput_bps=a.b.0", text)[0].values
    with pytest.raises(NoMetricsError, match=r"there is no number or text at a\.c"):
        read("json:a.c", text)


def test_patterns() -> None:
    """The last match counts."""
    reader = r"regex:took (?P<load_time_ms>[0-9.]+) ms by (?P<how>\w+)"
    assert {"load_time_ms": 7.5, "how": "h3"} == read(reader, "took 9 ms by h2\ntook 7.5 ms by h3\n")[0].values
    with pytest.raises(NoMetricsError, match="nothing in it matches"):
        read(reader, "failed\n")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("iperf", "no reader of metrics is called 'iperf'; did you mean iperf3"),
        ("json:", "expected steps with dots"),
        ("json:a..b", "expected steps with dots"),
        ("regex:(", "not a regular expression"),
        ("regex:a+", "name what it shall read"),
    ],
)
def test_no_such_reader(name: str, says: str) -> None:
    """In a sentence."""
    with pytest.raises(UserError) as raised:
        metric_reader(name)
    assert says in str(raised.value)


@pytest.mark.parametrize("name", [each for each in metric_reader_names() if ":" not in each])
@given(output=st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), lambda x: st.dictionaries(
    st.sampled_from(["end", "streams", "udp", "sender", "receiver", "results", "metadata", "error"]), x | st.lists(x)
)).map(json.dumps)))  # fmt: skip
def test_hostile_output(name: str, output: str) -> None:
    """Whatever a program prints, a reader finds flows or says that it cannot."""
    try:
        flows = metric_reader(name).read(output)
    except NoMetricsError:
        return
    assert len({flow.flow for flow in flows}) == len(flows) or name == "iperf3"


JUNK = (None, True, -1, 0, 10**400, 1e308, math.inf, math.nan, "", "x", [], [None], {}, {"": None})


def places(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in `document`, from the outside in."""
    yield at
    for step, inner in (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    ):
        yield from places(inner, (*at, step))


def replaced(document: Any, at: tuple[Any, ...], junk: Any) -> Any:
    """A copy of `document` with `junk` at a place."""
    if not at:
        return junk
    copy = document.copy()
    copy[at[0]] = replaced(document[at[0]], at[1:], junk)
    return copy


def check_harmless(reader: str, output: str, command: Sequence[str] = ()) -> None:
    """A reader refuses `output` in a sentence or finds what a table can hold; the curves of a report do likewise."""
    with contextlib.suppress(NoMetricsError):
        for flow in read(reader, output):
            numbers = [each for each in flow.values.values() if each is not None and not isinstance(each, str)]
            assert all(type(each) in (int, float) and abs(each) < 2**63 for each in numbers), flow
            table_of([flow.values])
    for curve in over_time(output, command):
        assert all(abs(each) < 2**63 for each in (*curve.start_s, *curve.end_s, *curve.values)), curve


def short(test: dict[str, Any]) -> dict[str, Any]:
    """What is read of one of iperf3's documents, with one interval."""
    start = {"test_start": test["start"]["test_start"]}
    return {"start": start, "intervals": test["intervals"][:1], "end": test["end"]}


FLENT = {"metadata": {"SERIES_META": {"a": {"UNITS": "ms"}}}, "results": {"a": [1, 2, 3], "b": [4, None]}}
REAL_OUTPUTS = [
    *(
        ("iperf3", short(json.loads(each.read_text())))
        for each in (DATA / "iperf3-tcp-reverse-client.json", DATA / "iperf3-udp-server.json")
    ),
    ("flent", FLENT),
    ("probe", json.loads(probe_report.client())),
    ("json:end.streams.0.sender.bytes", {"end": {"streams": [{"sender": {"bytes": 5}}]}}),
]


@pytest.mark.parametrize(("reader", "document"), REAL_OUTPUTS)
def test_anything_in_the_place_of_anything(reader: str, document: Any) -> None:
    """Each object, list, number and text of a real output, replaced in turn by each kind of junk."""
    seen = set()
    for at in places(document):
        if (kind := tuple(step for step in at if isinstance(step, str))) not in seen:
            seen.add(kind)
            for junk in JUNK:
                check_harmless(reader, json.dumps(replaced(document, at, junk)))


@pytest.mark.parametrize("junk", ["1.2.3", "9" * 5000, ".", "", "-1", "\u0663", "nan", "1e999", "9" * 12])
def test_any_text_in_the_place_of_a_number(junk: str) -> None:
    """Also digits that are none of ASCII, and more of them than Python converts."""
    for found in re.finditer(r"\d+(?:\.\d+)?", PING):
        output = PING[: found.start()] + junk + PING[found.end() :]
        check_harmless("ping", output, ["ping", "-i", junk or "1", "x"])
    check_harmless(r"regex:took (?P<time_ms>\S*)", f"took {junk} ms")


@pytest.mark.parametrize("reader", ["iperf3", "flent", "probe", "json:a.b"])
def test_deep_output(reader: str) -> None:
    """More lists in each other than the interpreter follows."""
    check_harmless(reader, '{"end":' + "[" * 100_000)
