"""The options that say what of a link that runs is to change: `plctl link set` and `plctl set`."""

from __future__ import annotations

import functools
import os
import pwd
from collections.abc import Callable
from typing import Any

import click

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration, parse_rate, parse_size
from plctl.common.plan.link_change import LinkChange
from plctl.common.plan.link_text import read_share

_BOTH = "/"  #: between the value for up and the value for down


def change_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` these options; it gets `change`, a `LinkChange` that names at least one value."""

    @functools.wraps(command)
    def with_options(*args: Any, up: bool, down: bool, hold: bool, **others: Any) -> Any:
        named = {name: others.pop(name) for name in _READERS}
        given = {name: value for name, value in named.items() if value is not None}
        return command(*args, change=_change(given, up=up, down=down, hold=hold), **others)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def asker() -> str:
    """Who gives this command, for the record: the account, and who became root by sudo."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user {os.getuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return caller if caller.isprintable() and caller and name == "root" else name


def _change(given: dict[str, str], *, up: bool, down: bool, hold: bool) -> LinkChange:
    """
    :raises click.UsageError: nothing is named, or a value is none.
    """
    if not given:
        raise click.UsageError("what is to change? Name at least one value, e.g. --delay 20ms")
    ways: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for name, text in given.items():
        parts = [part.strip() for part in text.split(_BOTH)] if name != "rate_bps" else _rates(text)
        if len(parts) > 2 or (len(parts) == 2 and up != down):
            raise click.UsageError(
                f"{text!r} is not one value, or one for each direction; write e.g. 20ms or 20ms/30ms"
            )
        for values, part in zip(ways, parts if len(parts) == 2 else parts * 2, strict=True):
            values[name] = _read(name, part)
    return LinkChange(ways[0] if up or not down else {}, ways[1] if down or not up else {}, hold)


def _rates(text: str) -> list[str]:
    """A rate may have a slash of its own: 5Mbit/s, 5Mbit/s/20Mbit/s, 5Mbps/20Mbps."""
    words = text.split(_BOTH)
    joined: list[str] = []
    for word in words:
        if joined and word.strip() == "s":
            joined[-1] += "/s"
        else:
            joined.append(word.strip())
    return joined


def _read(name: str, text: str) -> int:
    try:
        return _READERS[name](text)
    except (UserError, ValueError) as error:
        raise click.UsageError(str(error)) from None


def _read_route(text: str) -> int:
    if not text.isdecimal():
        raise UserError(f"{text!r} is no route; write a whole number from 0, e.g. 2")
    return int(text)


_READERS: dict[str, Callable[[str], int]] = {
    "delay_ns": parse_duration, "rate_bps": parse_rate, "loss_ppb": read_share, "jitter_ns": parse_duration,
    "route": _read_route, "queue_bytes": parse_size, "duplicate_ppb": read_share, "corrupt_ppb": read_share,
}  # fmt: skip
_OPTIONS = (
    click.option("--up", is_flag=True, help="From client to server only."),
    click.option("--down", is_flag=True, help="From server to client only."),
    click.option("--delay", "delay_ns", metavar="TIME", help="One-way propagation delay, e.g. 20ms."),
    click.option("--rate", "rate_bps", metavar="RATE", help="Of the bottleneck, e.g. 5Mbps; 0bps: an outage; inf."),
    click.option("--loss", "loss_ppb", metavar="SHARE", help="Lose frames behind the bottleneck, e.g. 1%."),
    click.option("--jitter", "jitter_ns", metavar="TIME", help="Vary the delay by this standard deviation, e.g. 5ms."),
    click.option("--route", "route", metavar="ID", help="RouteID; a new one is a reconfiguration."),
    click.option("--capacity", "queue_bytes", metavar="SIZE", help="Of the bottleneck's queue, e.g. 64kB."),
    click.option("--duplicate", "duplicate_ppb", metavar="SHARE", help="Let frames come twice, e.g. 0.1%."),
    click.option("--corrupt", "corrupt_ppb", metavar="SHARE", help="Flip a bit in frames, e.g. 0.1%."),
    click.option("--hold", is_flag=True, help="Keep these values in the scenario's later rows, too."),
)
