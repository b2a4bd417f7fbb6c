"""`python -m soak`: soaks for some minutes, and prints what grows with the number of links; if anything, fails."""

from __future__ import annotations

import sys

import click

from soak.load import soak
from soak.slopes import slope_of, table


@click.command()
@click.option("--minutes", type=float, default=30, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the faults.")
@click.option("--faults/--no-faults", default=True, show_default=True)
def main(minutes: float, seed: int, *, faults: bool) -> None:
    """Let links come and go under faults, and say what grows."""
    done = soak(minutes * 60, seed, disturb=faults, tell=lambda said: print(said, flush=True))
    slopes = [slope for series in done.series.values() if (slope := slope_of(series))]
    print(table(slopes))
    print(f"{done.links} links in {done.batches} batches; runs: {_told(done.verdicts)}; faults: {_told(done.faults)}")
    growing = [slope.name for slope in slopes if slope.grows]
    print(f"what grows: {', '.join(growing) or 'nothing' if slopes else 'not known: too few samples'}")
    sys.exit(bool(growing) or not slopes)


def _told(counted: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items())) or "none"


if __name__ == "__main__":
    main()
