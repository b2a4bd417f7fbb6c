"""The options of commands that run one bare scenario: what its path does to frames at random, both ways."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration
from plctl.common.plan.link_text import read_share


def path_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` these options; it gets `constants`, what holds in every row in place of its field."""

    @functools.wraps(command)
    def with_options(*args: Any, **others: Any) -> Any:
        given = {name: others.pop(name) for name in _FIELDS}
        constants = {name: value for name, value in given.items() if value is not None}
        return command(*args, constants=constants, **others)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def _read(read: Callable[[str], int]) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    def callback(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
        try:
            return None if value is None else read(value)
        except UserError as error:
            raise click.BadParameter(str(error)) from None

    return callback


_FIELDS = ("loss_ppb", "jitter_ns", "duplicate_ppb", "corrupt_ppb")
_OPTIONS = (
    click.option("--loss", "loss_ppb", metavar="SHARE", callback=_read(read_share),
                 help="Of a bare scenario: lose frames behind the bottleneck, e.g. 1%."),
    click.option("--jitter", "jitter_ns", metavar="TIME", callback=_read(parse_duration),
                 help="Of a bare scenario: vary the delay by this standard deviation, e.g. 5ms."),
    click.option("--duplicate", "duplicate_ppb", metavar="SHARE", callback=_read(read_share),
                 help="Of a bare scenario: let frames come twice, e.g. 0.1%."),
    click.option("--corrupt", "corrupt_ppb", metavar="SHARE", callback=_read(read_share),
                 help="Of a bare scenario: flip a bit in frames, e.g. 0.1%."),
)  # fmt: skip
