"""Where `plctl` begins: Ctrl-C is heard from here on, also while Python imports what the command is made of."""

from __future__ import annotations

import os
import signal
from typing import NoReturn

#: Exit status after Ctrl-C: 128 + SIGINT, as shells have it.
CANCELLED = 130


def main() -> NoReturn:
    """Entry point of the `plctl` script; always ends the process."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as in the background
        signal.signal(signal.SIGINT, _leave)
    from plctl.common.cli import root_command  # noqa: PLC0415  # this is what takes its time

    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        root_command.main()
    except KeyboardInterrupt:  # before there was a command, or after it
        os._exit(CANCELLED)


def _leave(*_: object) -> NoReturn:
    """Nothing was begun that would have to be ended."""
    os._exit(CANCELLED)
