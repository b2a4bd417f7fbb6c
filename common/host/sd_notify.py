"""Tells the service manager that a daemon is ready, alive or leaving; where there is none, nothing happens.

The protocol is sd_notify(3): datagrams to the Unix socket that `$NOTIFY_SOCKET` names.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress

from plctl.common.base.units import NS_PER_S

_NS_PER_US = 1000


def notify(state: str) -> bool:
    """Send `state`, such as ``READY=1``; whether a service manager was there to be told. Never waits for it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # a name without a file
        address = "\0" + address[1:]
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_UNIX, kind) as sock, suppress(OSError):
        sock.sendto(state.encode(), address)
        return True
    return False


def watchdog_ns() -> int:
    """How often the service manager wants a sign of life, in nanoseconds; 0: it wants none."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0
    text = os.environ.get("WATCHDOG_USEC", "")
    return int(text) * _NS_PER_US if text.isdecimal() else 0


async def keep_alive() -> None:
    """Give signs of life twice as often as they are wanted, as long as the event loop turns; at once if none are."""
    interval_ns = watchdog_ns()
    while interval_ns:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval_ns / 2 / NS_PER_S)
