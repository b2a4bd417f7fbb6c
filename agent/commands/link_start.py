"""`plctl link start`: the command line of `plctl.agent.link.session`, with phantomlink's options."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from plctl.agent.commands.link_options import NAME
from plctl.agent.link import hand_link
from plctl.common.base.errors import UserError
from plctl.common.cli.forwarder_options import forwarder_options
from plctl.common.cli.options import FiniteRange, positive_duration_ns
from plctl.common.cli.path_options import path_options
from plctl.common.cli.reading_options import reading_options
from plctl.common.host.privilege import require_root
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.plan.offload import read_coalesce
from plctl.common.plan.queue_text import read_queue, with_ecn
from plctl.common.plan.run_plan import Capacity, Queue
from plctl.common.scenario.readers.read_as import ReadAs


def _read_queue(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Queue | None:
    try:
        return None if text is None else read_queue(text)
    except UserError as error:
        raise click.BadParameter(str(error)) from None


def _read_coalesce(_ctx: click.Context, _param: click.Parameter, text: str) -> int:
    try:
        return read_coalesce(text)
    except UserError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@NAME
@click.option("--buffer-size-multiplier", type=FiniteRange(0, 1_000_000), default=1.0, show_default=True,
              help="Size of the bottleneck's buffer, in bandwidth-delay products of the row in force.")  # fmt: skip
@click.option("--queue", metavar="QUEUE", callback=_read_queue,
              help="The bottleneck's queue in place of that, e.g. drophead,64kB, or as tc has it:"
              " 'codel limit 100 target 5ms interval 100ms'.")  # fmt: skip
@click.option("--ecn", is_flag=True, help="Mark frames (CE) where the queue's discipline would drop them.")
@click.option("--reconfiguration-delay", "reconfiguration_ms", metavar="MS", type=FiniteRange(0, 3_600_000),
              default=0.0, show_default=True,
              help="How long a new RouteID interrupts the link, in milliseconds.")  # fmt: skip
@click.option("--reconfiguration-mode", type=click.Choice(["gsl", "all"]), default="gsl", show_default=True,
              help="What it interrupts: gsl, the bottleneck only; all, also what is in flight.")  # fmt: skip
@click.option("--startup-mode", default="first-packet", show_default=True,
              type=click.Choice(["app-start", "first-packet", "first-transport-packet",
                                 "first-large-transport-packet"]),
              help="When scenario time begins: at once, or with the first frame, the first with TCP or UDP, or "
                   "the first of those over 1500 bytes.")  # fmt: skip
@click.option("--duration", "duration_ns", type=positive_duration_ns, metavar="TIME",
              help="End this long after scenario time began, e.g. 70s.")  # fmt: skip
@click.option("--repeat", is_flag=True, help="Begin again after the scenario's last row.")
@click.option("--overhead", metavar="BYTES", type=click.IntRange(0, 4096), default=0, show_default=True,
              help="Added to the length of every frame, e.g. 24 for what Ethernet adds on the wire.")  # fmt: skip
@click.option("--coalesce", "coalesce_ns", metavar="TIME", default="auto", show_default=True, callback=_read_coalesce,
              help="Of a link that was set up with --offload on: how late a segment may leave, so that those behind it"
              " leave with it in one super-frame; auto: 200us, or an eighth of a shorter delay.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="NUMBER",
              help="Decides what is drawn: losses, jitter, drops by chance. Default: random; it is told.")  # fmt: skip
@path_options
@reading_options
@forwarder_options
def start(
    *,
    scenario: Path,
    name: str,
    buffer_size_multiplier: float,
    queue: Queue | None,
    ecn: bool,
    reconfiguration_ms: float,
    reconfiguration_mode: str,
    startup_mode: str,
    duration_ns: int | None,
    repeat: bool,
    overhead: int,
    coalesce_ns: int,
    seed: int | None,
    constants: dict[str, int],
    also: tuple[str, ...],
    reading: ReadAs,
    forwarder: ForwarderOptions,
) -> None:
    """Emulate the path that SCENARIO describes, until Ctrl-C.

    \b
      sudo plctl link start handover.csv
      sudo plctl link start handover.csv --buffer-size-multiplier 0.5 --startup-mode app-start
      sudo plctl link start handover.csv --reconfiguration-delay 100 --reconfiguration-mode all
      sudo plctl link start handover.csv --repeat --duration 10min
      sudo plctl link start handover.csv --queue fq_codel --ecn
      sudo plctl link start handover.csv --loss 1% --jitter 5ms
      sudo plctl link start bw_7.txt --also delay_7.txt
      sudo plctl link start lte.down -O delay=20ms

    The first row holds until scenario time begins. Once a second a line tells what went through; a table at the end
    tells all of it.
    """
    require_root("plctl link start")
    found = hand_link.find(name)
    from plctl.agent.doctor.examination import require_kernel
    from plctl.agent.link import session  # asyncio and pyroute2 would slow down --help

    chosen = queue or Queue(capacity=Capacity("bdp", round(buffer_size_multiplier * 1_000_000)))
    plan = session.make_plan(
        [str(scenario), *also],
        reading,
        found,
        queue=with_ecn(chosen) if ecn else chosen,
        reconfiguration_ms=reconfiguration_ms,
        reconfiguration_mode=reconfiguration_mode,
        startup_mode=startup_mode,
        repeat=repeat,
        overhead_bytes=overhead,
        coalesce_ns=coalesce_ns,
        constants=constants,
    )
    require_kernel()
    session.run(found, plan, duration_ns or 0, forwarder, secrets.randbits(63) if seed is None else seed)
