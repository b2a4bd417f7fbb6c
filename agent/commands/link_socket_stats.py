"""`plctl link socket-stats`: the command line of `plctl.agent.link.socket_log`."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.agent.commands.link_options import NAME
from plctl.agent.link import hand_link
from plctl.common.cli.options import positive_duration_ns
from plctl.common.cli.terminal import echo
from plctl.common.host.privilege import require_root


@click.command("socket-stats")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@NAME
@click.option("--interval", "interval_ns", type=positive_duration_ns, default="250ms", show_default=True,
              metavar="TIME", help="Between two looks.")  # fmt: skip
def socket_stats(file: Path, name: str, interval_ns: int) -> None:
    """Write what becomes of the link's TCP sockets to FILE, until Ctrl-C.

    \b
      sudo plctl link socket-stats sockets.csv
      sudo plctl link socket-stats sockets.jsonl --interval 20ms
      sudo plctl link socket-stats - | cut -d, -f2,4,11        to the terminal

    A line for each connected socket of the client and the server and each look: congestion window, smoothed
    round-trip time, delivery rate, retransmissions and so on, as the kernel has them. Times are in nanoseconds,
    rates in bit/s; -1 is what the kernel does not know yet. CSV, or JSON lines if FILE ends in .jsonl.
    """
    require_root("plctl link socket-stats")
    found = hand_link.find(name)
    from plctl.agent.link import socket_log  # ctypes and netlink would slow down --help

    lines = socket_log.record(found, file, interval_ns)
    echo(f"wrote {lines} lines to {file}", err=True)
