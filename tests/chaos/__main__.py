"""`python -m chaos`: plays the plans of some seeds, and prints each with what came of it, and a table of all faults."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from truth.__main__ import Seeds

from chaos.apart import play_apart
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
@click.option("--jobs", type=int, default=1, show_default=True, help="So many at once, each in a process of its own.")
@click.option("--log", type=click.Path(path_type=Path), help="Append outcomes to this file; the table is of all in it.")
def main(
    seeds: range, seed: int | None, kinds: tuple[str, ...], jobs: int, *, keep: Path | None, log: Path | None
) -> None:
    """Inject faults into clusters, and hold what becomes of their runs to the truth. Exit status 1 if one is wrong."""
    chosen = tuple(kind for kind in kinds if kind != "nothing") if kinds else None
    played = Played.read(log) if log else []
    if jobs > 1 and seed is None:
        news = play_apart(seeds, kinds, jobs)
    else:
        news = (_play(number, chosen, keep, aloud=seed is not None) for number in (seeds if seed is None else (seed,)))
    for one in news:
        print(one, flush=True)
        played.append(one)
        if log:
            one.append_to(log)
    print(table(played))
    sys.exit(any(one.objections for one in played))


def _play(number: int, kinds: tuple[str, ...] | None, keep: Path | None, *, aloud: bool) -> Played:
    begin = time.monotonic()
    evidence = play(draw(number, kinds), keep)
    print(f"settled in {evidence.settled_s:.1f} s, over in {time.monotonic() - begin:.1f} s", flush=True)
    if aloud:
        for host, text in evidence.logs.items():
            print(f"--- {host}", text, sep="\n")
    return Played.of(evidence)


if __name__ == "__main__":
    main()
