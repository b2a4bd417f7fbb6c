"""Tells systemd how this process is, where systemd started it: the sd_notify(3) protocol, one datagram a word.

Elsewhere nothing happens. The variables are taken out of the environment, so that no workload speaks for the agent.
"""

from __future__ import annotations

import contextlib
import os
import socket

from plctl.common.units import NS_PER_US


class Notifier:
    """The way to whoever wants to be notified; perhaps nobody."""

    def __init__(self) -> None:
        """Take the way out of the environment."""
        address = os.environ.pop("NOTIFY_SOCKET", "")
        interval_us = os.environ.pop("WATCHDOG_USEC", "")
        pid = os.environ.pop("WATCHDOG_PID", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        ours = pid in ("", str(os.getpid())) and interval_us.isdecimal()
        #: Within how many ns a word is expected again and again; 0: never.
        self.watchdog_ns = int(interval_us) * NS_PER_US if ours and self._address else 0

    def tell(self, **words: str | int) -> None:
        """Send ``WORD=value`` of each of `words`. That nobody listens any more, or in time, is no error of ours."""
        if not self._address:
            return
        text = "\n".join(f"{word}={value}" for word, value in words.items())
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as to,
        ):
            to.sendto(text.encode(), self._address)
