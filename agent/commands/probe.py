"""`plctl probe`: measure a path with UDP of our own, both roles, figures as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from signal import SIGINT, SIGTERM
from typing import TYPE_CHECKING, Any

import click

from plctl.common.base.errors import UserError
from plctl.common.base.units import RATE_UNLIMITED, parse_rate, scale
from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.options import duration_ns
from plctl.common.cli.terminal import echo

if TYPE_CHECKING:
    from plctl.agent.probe.flow import ProbeFlow
    from plctl.agent.probe.pattern import Pattern

_PORT = click.option("--port", type=click.IntRange(1, 65_535), default=8622, show_default=True, help="UDP port.")
_STREAM = click.option("--stream", is_flag=True, help="Also print one JSON line when an interval ends.")


@click.group(cls=HelpGroup)
def probe() -> None:
    """Measure a path: one-way delay, loss, duplicates, reordering and throughput over UDP.

    \b
    Both ends on one machine share a clock, so that delays are one-way:
      plctl link exec server -- plctl probe server --once &
      plctl link exec client -- plctl probe client 192.168.66.2 --rate 100pps --duration 70s
    How much gets through, at 25 Mbit/s offered, both ways at once:
      plctl probe client 192.168.66.2 --bitrate 25Mbit/s --both
    """


@probe.command()
@_PORT
@click.option(
    "--bind", default="", metavar="ADDRESS", help="Listen on this address only (default: all, IPv4 and IPv6)."
)
@click.option("--once", is_flag=True, help="End after the first session.")
@click.option(
    "--idle",
    type=duration_ns,
    metavar="TIME",
    default="60s",
    show_default=True,
    help="Give up a client that has sent nothing for so long.",
)
@_STREAM
def server(port: int, bind: str, once: bool, idle: int, stream: bool) -> None:
    """Answer clients until SIGTERM, Ctrl-C or --once ends it; then print all sessions as one JSON document."""
    from plctl.agent.probe.server import ProbeServer  # `plctl --help` stays fast
    from plctl.agent.probe.session import FORMAT
    from plctl.agent.probe.socket import open_probe_socket
    from plctl.agent.probe.stop import StopSignals

    sock, _ = open_probe_socket(bind, port, passive=True)
    with sock, StopSignals(SIGTERM, SIGINT) as stop:
        served = ProbeServer(sock, once=once, idle_ns=idle, stop=stop, ticked=_print_interval if stream else None)
        reports = served.run()
        _print(
            {"role": "server", "format": FORMAT, "ignored": served.ignored, "sessions": [r.as_dict() for r in reports]}
        )


@probe.command()
@click.argument("host")
@_PORT
@click.option("--rate", metavar="PPS", help="Packets a second, e.g. 100pps (the default).")
@click.option("--bitrate", metavar="RATE", help="UDP payload a second instead, e.g. 20Mbit/s.")
@click.option("--size", type=int, default=1200, show_default=True, help="UDP payload of a packet, bytes.")
@click.option(
    "--duration", type=duration_ns, metavar="TIME", default="10s", show_default=True, help="How long to send."
)
@click.option("--count", type=click.IntRange(1), help="How many packets to send, instead of --duration.")
@click.option(
    "--interval",
    type=duration_ns,
    metavar="TIME",
    default="1s",
    show_default=True,
    help="Length of the report's intervals.",
)
@click.option("--up", "way", flag_value="UP", default=True, help="Client to server (the default).")
@click.option("--down", "way", flag_value="DOWN", help="Server to client.")
@click.option("--both", "way", flag_value="BOTH", help="Both at once.")
@click.option(
    "--wait", type=duration_ns, metavar="TIME", default="10s", show_default=True, help="How long to wait for an answer."
)
@_STREAM
def client(
    *, host: str, port: int, rate: str | None, bitrate: str | None, size: int, duration: int, count: int | None,
    interval: int, way: str, wait: int, stream: bool
) -> None:  # fmt: skip
    """Send to HOST, where a `plctl probe server` runs, and print both ends' figures as one JSON document."""
    from plctl.agent.probe.client import ProbeClient  # `plctl --help` stays fast
    from plctl.agent.probe.session import FORMAT
    from plctl.agent.probe.socket import open_probe_socket
    from plctl.agent.probe.stop import StopSignals
    from plctl.agent.probe.wire import Directions

    pattern = _pattern(rate, bitrate, size=size, duration_ns=duration, count=count or 0, interval_ns=interval)
    sock, address = open_probe_socket(host, port, passive=False)
    with sock, StopSignals(SIGTERM, SIGINT) as stop:
        ticked = _print_interval if stream else None
        session = ProbeClient(sock, address, pattern, Directions[way], patience_ns=wait, stop=stop, ticked=ticked)
        report = session.run()
    _print({"role": "client", "format": FORMAT, **report.as_dict()})
    if not report.complete:
        raise click.exceptions.Exit(1)


def _pattern(rate: str | None, bitrate: str | None, **rest: int) -> Pattern:
    """What to send.

    :raises UserError: both rates are given, one cannot be read, or no probe could send that.
    """
    from plctl.agent.probe.pattern import Pattern

    if rate is not None and bitrate is not None:
        raise UserError("give --rate or --bitrate, not both")
    if bitrate is None:
        pattern = Pattern.paced(mpps=_parse_packet_rate(rate or "100pps"), **rest)
    else:
        bps = parse_rate(bitrate)
        if bps == RATE_UNLIMITED:
            raise UserError("--bitrate must be a number: a probe sends on schedule")
        pattern = Pattern.at_bitrate(bps=bps, **rest)
    if problem := pattern.problem():
        raise UserError(f"a probe cannot send that: {problem}")
    return pattern


def _parse_packet_rate(text: str) -> int:
    """Packets in 1000 seconds, from e.g. ``100pps`` or ``0.5pps``.

    :raises UserError: it is not a number of packets a second.
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:pps|/s)?\s*", text)
    if match is None:
        raise UserError(f"{text!r} is not a packet rate; write packets a second, e.g. 100pps")
    return scale(match[1], 1000)


def _print_interval(flow: ProbeFlow, interval: int) -> None:
    """One line about an interval that has just ended: what this end knows of it by now."""
    sent = flow.sent.counts[interval] if flow.sent is not None and interval < len(flow.sent.counts) else None
    arrived = flow.tally.interval(interval) if flow.tally is not None else None
    line = {"session": f"{flow.session:016x}", "interval": interval, "sent": sent}
    echo(json.dumps({**line, "received": asdict(arrived) if arrived is not None else None}))


def _print(document: dict[str, Any]) -> None:
    echo(json.dumps(document))
