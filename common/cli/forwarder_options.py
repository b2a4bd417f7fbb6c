"""The options of every command that starts a forwarder."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, get_args

import click

from plctl.common.plan.forwarder_options import DEFAULT_REAL_TIME, ForwarderOptions, Io, Spin

_DEFAULT = ForwarderOptions()


def forwarder_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` the options of a forwarder; it gets them as one keyword argument, `forwarder`."""

    @functools.wraps(command)
    def with_options(
        *args: Any,
        io: Io,
        workers: int,
        spin: Spin,
        spin_budget: float,
        real_time: int,
        cpus: tuple[int, ...],
        lock_memory: bool,
        **others: Any,
    ) -> Any:
        options = ForwarderOptions(io, workers, spin, spin_budget, real_time, cpus, lock_memory)
        return command(*args, forwarder=options, **others)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def _parse_cpus(_ctx: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """CPU numbers in e.g. ``2,3,6-7``, as they are written."""
    cpus: list[int] = []
    for part in value.split(",") if value else ():
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise click.BadParameter(f"{part!r} is no CPU; write numbers and ranges, e.g. 2,3 or 4-7")
        cpus += range(int(first), int(last or first) + 1)
    if away := sorted(set(cpus) - os.sched_getaffinity(0)):
        here = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
        raise click.BadParameter(f"CPU {away[0]} is not among those that this process may use: {here}")
    return tuple(cpus)


_OPTIONS = (
    click.option("--io", type=click.Choice(get_args(Io)), default=_DEFAULT.io, show_default=True,
                 help="What carries the frames: packet, AF_PACKET; xdp, AF_XDP or failure; auto, AF_XDP for every "
                      "link for which it works."),
    click.option("--workers", type=click.IntRange(0, 64), default=_DEFAULT.workers, metavar="N",
                 help="Forwarding threads; default: as many as --cpus, or one for every two CPUs, at most four."),
    click.option("--spin", type=click.Choice(get_args(Spin)), default=_DEFAULT.spin, show_default=True,
                 help="Before a deadline: off, sleep up to it and be late as the kernel is; adaptive, wake a little "
                      "early and spin the rest; busy, never sleep."),
    click.option("--spin-budget", type=click.FloatRange(0, 1), default=_DEFAULT.spin_budget, show_default=True,
                 metavar="SHARE", help="Of a CPU, what each worker may spend on adaptive spinning; 1: no limit."),
    click.option("--rt", "real_time", type=click.IntRange(0, 99), is_flag=False, flag_value=DEFAULT_REAL_TIME,
                 default=_DEFAULT.real_time, metavar="[PRIORITY]",
                 help=f"Real-time priority for the workers ({DEFAULT_REAL_TIME} if none is named), within what the "
                      "kernel lets run without a break."),
    click.option("--cpus", default="", callback=_parse_cpus, metavar="LIST",
                 help="Pin the workers to these CPUs, in turn, e.g. 2,3 or 4-7."),
    click.option("--lock-memory/--no-lock-memory", default=_DEFAULT.lock_memory, show_default=True,
                 help="Keep the forwarder's memory from being paged out."),
)  # fmt: skip
