"""`plctl scenario make constant | step | sawtooth | sine`: scenarios without chance."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.cli.options import FiniteRange, duration_ns, positive_duration_ns
from plctl.controller.commands.make.options import (
    DELAY_SPAN,
    DURATION,
    RATE_SPAN,
    STEP,
    MakerCommand,
    write_made,
)
from plctl.controller.commands.make.values import delays, rate, rates
from plctl.controller.commands.scenario_convert import OUT
from plctl.controller.makers import waves
from plctl.controller.makers.made import Course
from plctl.controller.makers.span import Span

_PERIOD = click.option("--period", "period_ns", type=positive_duration_ns, metavar="TIME", default="10s",
                       show_default=True, help="After which it begins again.")  # fmt: skip


@click.command(cls=MakerCommand)
@click.option("--rate", "rate_bps", type=rate, required=True, metavar="RATE", help="The rate, e.g. 50Mbit/s.")
@click.option("--delay", "delay_ns", type=duration_ns, required=True, metavar="DELAY", help="The one-way delay.")
@DURATION
@OUT
def constant(rate_bps: int, delay_ns: int, length_ns: int, out: Path) -> None:
    """One rate and one delay.

    \b
      plctl scenario make constant --rate 50Mbit/s --delay 20ms
    """
    write_made(waves.constant(rate_bps, delay_ns, length_ns), out)


@click.command(cls=MakerCommand)
@click.option("--rate", "rates_bps", type=rates, required=True, metavar="RATE,RATE…",
              help="One after the other, and then again, e.g. 50Mbit/s,5Mbit/s.")  # fmt: skip
@click.option("--delay", "delays_ns", type=delays, required=True, metavar="DELAY,DELAY…", help="Likewise.")
@click.option(
    "--every",
    "step_ns",
    type=positive_duration_ns,
    metavar="TIME",
    default="10s",
    show_default=True,
    help="How long each lasts.",
)
@click.option("--reroute", is_flag=True, help="Each step is another route, as after a handover.")
@DURATION
@OUT
def step(*, rates_bps: list[int], delays_ns: list[int], step_ns: int, reroute: bool, length_ns: int, out: Path) -> None:
    """Rates and delays that change at once, each in its turn.

    \b
      plctl scenario make step --rate 50Mbit/s,5Mbit/s --delay 20ms --every 10s
    """
    write_made(waves.steps(rates_bps, delays_ns, Course(length_ns, step_ns), reroute=reroute), out)


@click.command(cls=MakerCommand)
@RATE_SPAN
@DELAY_SPAN
@_PERIOD
@DURATION
@STEP
@OUT
def sawtooth(*, rate: Span, delay: Span, period_ns: int, length_ns: int, step_ns: int, out: Path) -> None:
    """A straight line from the first value to the second, and back at once.

    It rises, or falls where the first value is the greater.

    \b
      plctl scenario make sawtooth --rate 5Mbit/s..50Mbit/s --delay 20ms --period 10s
    """
    write_made(waves.sawtooth(rate, delay, period_ns, Course(length_ns, step_ns)), out)


@click.command(cls=MakerCommand)
@RATE_SPAN
@DELAY_SPAN
@_PERIOD
@click.option("--phase", type=FiniteRange(-360, 360), default=0.0, metavar="DEGREES",
              help="Where it begins: 0 in the middle and rising, 90 at its greatest.")  # fmt: skip
@DURATION
@STEP
@OUT
def sine(*, rate: Span, delay: Span, period_ns: int, phase: float, length_ns: int, step_ns: int, out: Path) -> None:
    """A sine between two values.

    \b
      plctl scenario make sine --rate 5Mbit/s..50Mbit/s --delay 20ms..60ms --period 10s
    """
    write_made(waves.sine(rate, delay, period_ns, Course(length_ns, step_ns), phase), out)


COMMANDS: tuple[click.Command, ...] = (constant, step, sawtooth, sine)
