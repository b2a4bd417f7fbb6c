"""`python -m soak`: soaks for some minutes, and prints what grows with the number of links; if anything, fails."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

import click

from soak.load import soak
from soak.local import make_links
from soak.slopes import Series, slope_of, table


@click.command()
@click.option("--minutes", type=float, default=30, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the faults.")
@click.option("--faults/--no-faults", default=True, show_default=True)
@click.option("--links", type=int, help="Instead: make and remove so many links from one process.")
@click.option("--each-run", type=int, default=100, show_default=True, help="With --links: so many at a time.")
def main(minutes: float, seed: int, links: int | None, each_run: int, *, faults: bool) -> None:
    """Let links come and go under faults, and say what grows."""
    if links:
        made = make_links(links, each_run, _tell)
        print(f"{made.links} links, {each_run} at a time, in {made.took_s:.0f} s; runs: {_told(made.verdicts)}")
        for cause in made.causes:
            print(cause)
        print(f"left behind: {', '.join(made.left) or 'nothing'}")
        sys.exit(_judge(made.series.values()) or bool(made.left))
    done = soak(minutes * 60, seed, disturb=faults, tell=_tell)
    print(f"{done.links} links in {done.batches} batches; runs: {_told(done.verdicts)}; faults: {_told(done.faults)}")
    sys.exit(_judge(done.series.values()))


def _judge(series: Iterable[Series]) -> bool:
    """Print what grows; whether anything does, or nobody can tell."""
    slopes = [slope for each in series if (slope := slope_of(each))]
    growing = [slope.name for slope in slopes if slope.grows]
    print(table(slopes))
    print(f"what grows: {', '.join(growing) or 'nothing' if slopes else 'not known: too few samples'}")
    return bool(growing) or not slopes


def _tell(said: str) -> None:
    print(said, flush=True)


def _told(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items())) or "none"


if __name__ == "__main__":
    main()
