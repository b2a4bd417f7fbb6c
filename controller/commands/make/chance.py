"""`plctl scenario make random-walk | markov | cellular`: scenarios of chance, each from its seed."""

from __future__ import annotations

import re
from pathlib import Path

import click

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration, parse_rate
from plctl.common.cli.options import FiniteRange, duration_ns
from plctl.controller.commands.make.options import (
    DELAY_SPAN,
    DURATION,
    RATE_SPAN,
    SEED,
    STEP,
    MakerCommand,
    write_made,
)
from plctl.controller.commands.scenario_convert import OUT
from plctl.controller.makers.cellular import Cells, cellular
from plctl.controller.makers.made import Course
from plctl.controller.makers.markov import State, markov
from plctl.controller.makers.random_walk import random_walk
from plctl.controller.makers.span import Span

#: From state to state, and how likely.
_JUMP = re.compile(r"([0-9]{1,4}):([0-9]{1,4})=([0-9]{1,9}(?:\.[0-9]{1,9})?)")


def _state(text: str) -> State:
    words = text.split(",")
    try:
        if len(words) != 3:
            raise UserError(f"{text!r} is no state; write a rate, a delay and a mean stay, e.g. 50Mbit/s,20ms,9s")
        found = State(parse_rate(words[0]), parse_duration(words[1]), parse_duration(words[2]))
    except UserError as error:
        raise click.BadParameter(str(error)) from None
    if not found.stay_ns:
        raise click.BadParameter(f"{text!r} has no time to stay; legal is anything longer, e.g. 1s")
    return found


def _jump(text: str) -> tuple[tuple[int, int], float]:
    if not (match := _JUMP.fullmatch(text)):
        raise click.BadParameter(f"{text!r} is no jump; write two numbers of states and a weight, e.g. 1:2=0.5")
    return (int(match[1]) - 1, int(match[2]) - 1), float(match[3])


@click.command("random-walk", cls=MakerCommand)
@RATE_SPAN
@DELAY_SPAN
@click.option("--deviation", type=FiniteRange(0, 10), default=0.2, show_default=True,
              help="How far it moves in 1 s, as a share of the way between its bounds (root mean square).")  # fmt: skip
@DURATION
@STEP
@SEED
@OUT
def random_walk_command(
    *, rate: Span, delay: Span, deviation: float, length_ns: int, step_ns: int, seed: int, out: Path
) -> None:
    """Brownian motion between two bounds, at which it is reflected.

    As Sprout models the rate of a cellular link (Winstein et al., NSDI '13), but bounded. Rate and delay walk
    independently, and begin in the middle.

    \b
      plctl scenario make random-walk --rate 2Mbit/s..40Mbit/s --delay 20ms..50ms --seed 7
    """
    write_made(random_walk(rate, delay, deviation, Course(length_ns, step_ns), seed), out)


@click.command("markov", cls=MakerCommand)
@click.option("--state", "states", type=_state, multiple=True, required=True, metavar="RATE,DELAY,STAY",
              help="A state and how long it lasts on average; two or more are needed.")  # fmt: skip
@click.option("--jump", "jumps", type=_jump, multiple=True, metavar="FROM:TO=WEIGHT",
              help="How likely state number TO follows on FROM; default: all equally.")  # fmt: skip
@DURATION
@SEED
@OUT
def markov_command(
    *, states: tuple[State, ...], jumps: tuple[tuple[tuple[int, int], float], ...], length_ns: int, seed: int, out: Path
) -> None:
    """States that last for an exponential time each: a Markov chain in continuous time.

    With two states it is Gilbert's and Elliott's channel (Bell System Technical Journal, 1960 and 1963) of good and bad
    times. It begins in the first state.

    \b
      plctl scenario make markov --state 50Mbit/s,20ms,9s --state 0Mbit/s,20ms,1s
      plctl scenario make markov --state 50Mbit/s,20ms,9s --state 9Mbit/s,30ms,2s --state 0Mbit/s,80ms,1s --jump 2:1=1
    """
    write_made(markov(states, dict(jumps), length_ns, seed), out)


@click.command("cellular", cls=MakerCommand)
@click.option("--delay", "delay_ns", type=duration_ns, default="20ms", show_default=True, metavar="DELAY",
              help="The one-way delay of the idle path.")  # fmt: skip
@click.option("--speed", type=FiniteRange(0, 500), default=50.0, show_default=True, metavar="KM/H", help="Of the car.")
@click.option("--spacing", type=FiniteRange(100, 20_000), default=500.0, show_default=True, metavar="METRES",
              help="From one base station to the next.")  # fmt: skip
@click.option("--bandwidth", type=FiniteRange(0.1, 1000), default=10.0, show_default=True, metavar="MHZ",
              help="Of the carrier, in each direction.")  # fmt: skip
@click.option("--load", type=FiniteRange(0, 1, max_open=True), default=0.5, show_default=True,
              help="Share of the carrier that others have; it is also their interference.")  # fmt: skip
@DURATION
@STEP
@SEED
@OUT
def cellular_command(
    *, delay_ns: int, speed: float, spacing: float, bandwidth: float, load: float,
    length_ns: int, step_ns: int, seed: int, out: Path,
) -> None:  # fmt: skip
    """A phone in a car that passes base stations, with handovers; rates for up and down.

    Path loss, shadowing and powers are those of 3GPP TR 36.814 (macro cells at 2 GHz), the rate is TR 36.942's
    truncated Shannon bound, a handover is event A3 of TS 36.331 and interrupts for 49.5 ms (TR 36.881). The delay is
    constant: what a busy cell adds is queueing, which the link does.

    \b
      plctl scenario make cellular --speed 90 --spacing 1500 --duration 5min --seed 7 -o motorway.csv
    """
    cells = Cells(spacing, speed / 3.6, bandwidth * 1e6, load)
    write_made(cellular(cells, delay_ns, Course(length_ns, step_ns), seed), out)


COMMANDS: tuple[click.Command, ...] = (random_walk_command, markov_command, cellular_command)
