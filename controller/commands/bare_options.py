"""What `plctl run SCENARIO` may be told of its one link on the command line, where a run spec would say it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from plctl.common.base.errors import UserError
from plctl.common.cli.options import duration_ns
from plctl.common.cli.path_options import path_options
from plctl.common.plan.link_text import check_interval, read_budget
from plctl.common.plan.offload import OffloadChoice
from plctl.common.plan.queue_text import read_queue
from plctl.common.plan.run_plan import Budget, Queue
from plctl.controller.spec.bare_run import BareLink

T = TypeVar("T")


def bare_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` these options; it gets `bare`, a `BareLink`."""

    @functools.wraps(command)
    def with_options(
        *args: Any,
        queue: Queue,
        budget: Budget,
        repeat: bool,
        overhead: int,
        interval_ns: int | None,
        offload: OffloadChoice,
        constants: dict[str, int],
        **others: Any,
    ) -> Any:
        bare = BareLink(queue, budget, repeat, overhead, interval_ns or 0, offload, constants)
        return command(*args, bare=bare, **others)

    made: Callable[..., Any] = path_options(with_options)
    for option in reversed(_OPTIONS):
        made = option(made)
    return made


def _read(read: Callable[[Any], T]) -> Callable[[click.Context, click.Parameter, Any], T]:
    """A callback of click's that has `read` make something of what was said."""

    def callback(_ctx: click.Context, _param: click.Parameter, value: Any) -> T:
        try:
            return read(value)
        except UserError as error:
            raise click.BadParameter(str(error)) from None

    return callback


def _interval_ns(text: str) -> int:
    try:
        return check_interval(duration_ns(text))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_OPTIONS = (
    click.option("--queue", default="1.0bdp", show_default=True, metavar="QUEUE",
                 callback=_read(read_queue),
                 help="Of a bare scenario's link: its queue, e.g. 0.5bdp, drophead,64kB, or as tc has it: 'codel"
                 " limit 100 target 5ms interval 100ms ecn'."),
    click.option("--budget", multiple=True, metavar="KIND=TIME", callback=_read(read_budget),
                 help="Of a bare scenario's run: lateness, skew or workload; may be given again."),
    click.option("--repeat", is_flag=True, help="Begin again after a bare scenario's last row."),
    click.option("--overhead", metavar="BYTES", type=click.IntRange(0, 4096), default=0, show_default=True,
                 help="Of a bare scenario's link: added to the length of every frame, e.g. 24 for Ethernet's wire."),
    click.option("--socket-stats", "interval_ns", type=_interval_ns, metavar="TIME",
                 help="Of a bare scenario's run: look at TCP sockets so often, e.g. 100ms; default: not."),
    click.option("--offload", type=click.Choice(get_args(OffloadChoice)), default="off", show_default=True,
                 help="Of a bare scenario's link: whether super-frames of TCP and UDP cross it as such; auto: where its"
                 " rate is high."),
)  # fmt: skip
