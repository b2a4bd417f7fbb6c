"""What programs print of every interval or reply becomes curves; what is none of theirs becomes none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plctl.controller.metrics.over_time import OverTime, over_time

PING = """PING 192.168.66.2 (192.168.66.2) 56(84) bytes of data.
64 bytes from 192.168.66.2: icmp_seq=1 ttl=64 time=30.5 ms
64 bytes from 192.168.66.2: icmp_seq=3 ttl=64 time=41 ms
64 bytes from 192.168.66.2: icmp_seq=3 ttl=64 time=43 ms (DUP!)
"""
BUSYBOX = "PING 10.0.0.1 (10.0.0.1): 56 data bytes\n64 bytes from 10.0.0.1: seq=0 ttl=64 time=2.000 ms\n"


def interval(start: float, end: float, rate: float, **more: Any) -> dict[str, Any]:
    """An interval's sum as iperf3 prints it."""
    return {"sum": {"start": start, "end": end, "bits_per_second": rate, "omitted": False, **more}}


def iperf3(*intervals: dict[str, Any], reverse: int = 0) -> str:
    """What `iperf3 -J` prints."""
    return json.dumps({"start": {"test_start": {"reverse": reverse}}, "intervals": intervals, "end": {}})


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        (["ping", "-i", "0.2", "x"], 0.4),
        (["sh", "-c", "ping -c 9 -i0.5 x"], 1.0),
        (["ping", "x"], 2.0),
        (["ping", "-Di", "3", "x"], 6.0),
    ],
)
def test_replies_are_at_their_numbers(command: list[str], seconds: float) -> None:
    """One that was lost leaves a gap, a duplicate is no reply; the interval is as ping was asked, else a second."""
    at = (0.0, seconds)
    assert [OverTime("rtt", "ping", True, at, at, (30.5, 41.0))] == over_time(PING, command)


def test_busybox_counts_from_zero() -> None:
    """And says less."""
    assert [OverTime("rtt", "ping", True, (0.0,), (0.0,), (2.0,))] == over_time(BUSYBOX, ["ping", "10.0.0.1"])


def test_iperf3_says_who_sent() -> None:
    """A client that sends, one that receives, and both at once; what was omitted at the beginning is left out."""
    sent = iperf3(interval(0, 1, 9e6, omitted=True), interval(1, 2, 8e6, sender=True), interval(2, 3, 7e6, sender=True))
    assert [OverTime("rate", "iperf3, sent", True, (1.0, 2.0), (2.0, 3.0), (8e6, 7e6))] == over_time(sent, ["iperf3"])
    both = interval(0, 1, 8e6, sender=True) | {"sum_bidir_reverse": interval(0, 1, 3e6, sender=False)["sum"]}
    assert [(True, (8e6,)), (False, (3e6,))] == [(each.sends, each.values) for each in over_time(iperf3(both), [])]


@pytest.mark.parametrize(("reverse", "words"), [(0, "iperf3, sent"), (1, "iperf3, received")])
def test_an_older_iperf3_is_known_by_its_test(reverse: int, words: str) -> None:
    """It does not say of an interval who sent it, but whether the test was reversed."""
    (curve,) = over_time(iperf3(interval(0, 1, 1e6), reverse=reverse), ["iperf3", "-J"])
    assert words == curve.words


@pytest.mark.parametrize("output", ["", "hello", "{}", '{"intervals": 3}', '{"intervals": [{"sum": 1}]}', "PING x\n"])
def test_what_is_none_of_theirs_is_no_curve(output: str) -> None:
    """Whatever a program prints, nothing is made up and nothing fails."""
    assert [] == over_time(output, ["sh", "-c", "ping -i ... x"])
