"""The options of every command that takes a scenario: its other files, and how they are to be read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from plctl.common.base.errors import UserError
from plctl.common.scenario.readers.read_as import ReadAs

_OPTIONS = (
    click.option("--also", multiple=True, metavar="FILE",
                 help="A further file of the same scenario, e.g. of delays beside rates; may be given again."),
    click.option("--reader", default="", metavar="FORMAT", help="The format of the scenario; default: recognised."),
    click.option("-O", "--option", "options", multiple=True, metavar="NAME=VALUE",
                 help="How a scenario is read, e.g. -O window=100ms, -O rate=50Mbit/s; may be given again."),
)  # fmt: skip


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` these options; it gets `also`, names of files, and `reading`, a `ReadAs`."""

    @functools.wraps(command)
    def with_options(*args: Any, reader: str, options: tuple[str, ...], **others: Any) -> Any:
        return command(*args, reading=ReadAs(reader, parse_options(options)), **others)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def parse_options(given: Sequence[str]) -> dict[str, str]:
    """What was said as NAME=VALUE.

    :raises UserError: it was not.
    """
    pairs = [each.partition("=") for each in given]
    if wrong := [name + equals + value for name, equals, value in pairs if not (name and equals)]:
        raise UserError(f"{wrong[0]!r} is no option of a format; legal is NAME=VALUE, e.g. window=100ms")
    return {name.strip(): value for name, _, value in pairs}
