"""`python -m chaos`: plays the plans of some seeds, and prints each with what came of it, and a table of all faults."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from truth.__main__ import Seeds

from chaos.faults.kinds import KINDS
from chaos.plan import draw
from chaos.play import play
from chaos.table import Played, table


@click.command()
@click.option("--seeds", type=Seeds(), default="20", show_default=True, help="Which seeds to play: so many, or these.")
@click.option("--seed", type=int, help="Play this one only, and print the daemons' logs.")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(["nothing", *KINDS]), help="Faults of these, not as drawn."
)
@click.option("--keep", type=click.Path(path_type=Path), help="With --seed: copy the folder there.")
@click.option("--log", type=click.Path(path_type=Path), help="Append outcomes to this file; the table is of all in it.")
def main(seeds: range, seed: int | None, kinds: tuple[str, ...], *, keep: Path | None, log: Path | None) -> None:
    """Inject faults into clusters, and hold what becomes of their runs to the truth. Exit status 1 if one is wrong."""
    chosen = tuple(kind for kind in kinds if kind != "nothing") if kinds else None
    played = Played.read(log) if log else []
    for number in seeds if seed is None else (seed,):
        begin = time.monotonic()
        evidence = play(draw(number, chosen), keep)
        one = Played.of(evidence)
        played.append(one)
        if log:
            one.append_to(log)
        print(f"{one}\n  settled in {evidence.settled_s:.1f} s  [{time.monotonic() - begin:.1f} s]", flush=True)
        if seed is not None:
            for host, text in evidence.logs.items():
                print(f"--- {host}", text, sep="\n")
    print(table(played))
    sys.exit(any(one.objections for one in played))


if __name__ == "__main__":
    main()
