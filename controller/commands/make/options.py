"""What the commands that make scenarios share: options, and the first line of what they write."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from plctl.common.cli.options import positive_duration_ns
from plctl.common.scenario.schedule import Scenario
from plctl.common.scenario.writers.formats import WRITERS
from plctl.controller.commands.make.values import delay_span, rate_span
from plctl.controller.commands.scenario_convert import write_texts

_GIVEN = "plctl.given"
#: Options that say where the result goes, not what it is.
_WHERE = ("-o", "--out", "--map")

SEED = click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True,
                    metavar="NUMBER",
                    help="The same seed makes the same bytes.")  # fmt: skip
DURATION = click.option("--duration", "length_ns", type=positive_duration_ns, metavar="TIME", default="60s",
                        show_default=True, help="How long it lasts, e.g. 5min.")  # fmt: skip
STEP = click.option("--step", "step_ns", type=positive_duration_ns, metavar="TIME", default="100ms", show_default=True,
                    help="From row to row.")  # fmt: skip
RATE_SPAN = click.option("--rate", type=rate_span, required=True, metavar="RATE[..RATE]",
                         help="The rates between which it varies, e.g. 5Mbit/s..50Mbit/s, or 50Mbit/s.")  # fmt: skip
DELAY_SPAN = click.option("--delay", type=delay_span, required=True, metavar="DELAY[..DELAY]",
                          help="The one-way delay, likewise, e.g. 20ms..60ms or 20ms.")  # fmt: skip


class MakerCommand(click.Command):
    """A command that remembers what it was called with, as this is what makes its result again."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's own."""
        ctx.meta[_GIVEN] = list(args)
        return super().parse_args(ctx, args)


def write_made(scenario: Scenario, out: Path, remarks: Sequence[str] = ()) -> None:
    """Write it as plctl's CSV, behind comments: the command that makes it again, and `remarks`."""
    ctx = click.get_current_context()
    words = ["plctl", "scenario", "make", ctx.info_name or "", *_what(ctx.meta[_GIVEN])]
    texts = WRITERS["plctl"].write(scenario, None).texts
    # A comment is one line, whatever the shell let into a word.
    comments = "".join(f"# {' '.join(line.split())}\n" for line in (shlex.join(words), *remarks))
    write_texts({suffix: f"{comments}{text}" for suffix, text in texts.items()}, out)


def _what(given: Sequence[str]) -> Iterator[str]:
    """The words without those that say where the result goes."""
    words = iter(given)
    for word in words:
        if word in _WHERE:
            next(words, None)
        elif not (word.startswith(("--out=", "--map=")) or (word.startswith("-o") and not word.startswith("--"))):
            yield word
