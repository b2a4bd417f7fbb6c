"""`python -m truth`: plays the cases of some seeds, and prints each with what came of it, and a table of them all."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from truth.case import draw
from truth.disturbances import KINDS
from truth.judge import judge
from truth.play import play
from truth.table import Played, table


class Seeds(click.ParamType[range]):
    """`20` (seeds 0 to 19) or `20-39`."""

    name = "NUMBER|FIRST-LAST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> range:
        """The seeds that the text means."""
        first, dash, last = str(value).partition("-")
        try:
            return range(int(first), int(last) + 1) if dash else range(int(first))
        except ValueError:
            self.fail("write e.g. 20, or 20-39", param, ctx)


@click.command()
@click.option("--seeds", type=Seeds(), default="20", show_default=True, help="Which seeds to play: so many, or these.")
@click.option("--seed", type=int, help="Play this one only, and tell all that is known of it.")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(["nothing", *KINDS]), help="Disturb by this, not as drawn."
)
@click.option("--keep", type=click.Path(path_type=Path), help="With --seed: copy the run's folder there.")
@click.option("--tcpdump", is_flag=True, help="In even seeds, hold what the judge sees to tcpdump.")
@click.option("--log", type=click.Path(path_type=Path), help="Append outcomes to this file; the table is of all in it.")
def main(
    seeds: range, seed: int | None, kinds: tuple[str, ...], *, keep: Path | None, log: Path | None, tcpdump: bool
) -> None:
    """Disturb runs, and hold their verdicts to a judge of our own. Exit status 1 if one breaks the sentence."""
    chosen = tuple(kind for kind in kinds if kind != "nothing") if kinds else None
    played = Played.read(log) if log else []
    for number in seeds if seed is None else (seed,):
        begin = time.monotonic()
        case = draw(number, chosen)
        # Not in all of them: it makes an interface promiscuous, which the kernel tells whoever listens.
        evidence = play(case, keep, tcpdump=tcpdump and number % 2 == 0)
        one = Played.of(evidence)
        played.append(one)
        if log:
            one.append_to(log)
        print(f"{one}  [{time.monotonic() - begin:.1f} s]", flush=True)
        if seed is not None:
            print(evidence.output, f"T0 {evidence.t0_ns}", *evidence.done, *judge(evidence), sep="\n")
    print(table(played))
    sys.exit(any(one.objections for one in played))


if __name__ == "__main__":
    main()
