"""Plays several plans at once, each in a process of its own: most of a plan's time is waiting."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from chaos.plan import draw
from chaos.table import Played


def play_apart(seeds: Iterable[int], kinds: tuple[str, ...], jobs: int) -> Iterator[Played]:
    """What came of each, in their order, `jobs` of them at once; `kinds` as on the command line."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(partial(_play_one, kinds), seeds)


def _play_one(kinds: tuple[str, ...], seed: int) -> Played:
    with tempfile.TemporaryDirectory(prefix="plctl-chaos-") as folder:
        log = Path(folder) / "log"
        words = [word for kind in kinds for word in ("--kind", kind)]
        done = subprocess.run(
            [sys.executable, "-m", "chaos", "--seeds", f"{seed}-{seed}", "--log", str(log), *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, start_new_session=True,
        )  # fmt: skip
        if played := Played.read(log):
            return played[0]
    said = f"it was not played: status {done.returncode}, {done.stderr.strip()[-300:]}"
    return Played(seed, str(draw(seed)), (), (), (), (said,))
