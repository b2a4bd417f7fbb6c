"""Begins and undoes a case's disturbances, each at its time."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from truth.deeds import Planned
from truth.disturbances import KINDS
from truth.world import World


class Timeline:
    """The disturbances of one run."""

    def __init__(self, world: World, planned: tuple[Planned, ...]) -> None:
        self._world = world
        self._planned = planned
        self._begun: dict[Planned, Any] = {}
        self.undone: list[str] = []  #: what could not be done, and why

    def begin_early(self) -> None:
        """T0 is known, and still to come."""
        for planned in self._planned:
            if KINDS[planned.kind].before_t0:
                self._begin(planned)

    def follow(self, t0_ns: int, run: subprocess.Popen[bytes]) -> None:
        """Do everything at its time, as long as `run` goes on."""
        todo = []
        for planned in self._planned:
            kind = KINDS[planned.kind]
            begin_ns = 0 if kind.before_t0 else planned.at_ns
            if not kind.before_t0:
                todo.append((begin_ns, planned, self._begin))
            if planned.length_ns:
                todo.append((begin_ns + planned.length_ns, planned, self._undo))
        for at_ns, planned, do in sorted(todo, key=lambda each: each[0]):
            if not _sleep_until(t0_ns + at_ns, run):
                return
            do(planned)

    def undo_all(self) -> None:
        """Whatever was begun and not undone."""
        for planned in list(self._begun):
            self._undo(planned)

    def _begin(self, planned: Planned) -> None:
        try:
            self._begun[planned] = KINDS[planned.kind].begin(self._world, planned)
        except (OSError, LookupError, subprocess.CalledProcessError) as error:
            self.undone.append(f"{planned}: {error}")

    def _undo(self, planned: Planned) -> None:
        if planned in self._begun:
            KINDS[planned.kind].undo(self._world, planned, self._begun.pop(planned))


def _sleep_until(t_ns: int, run: subprocess.Popen[bytes]) -> bool:
    """Whether the run still went on then."""
    left_s = (t_ns - time.monotonic_ns()) / 1e9
    if left_s <= 0:
        return run.poll() is None
    try:
        run.wait(left_s)
    except subprocess.TimeoutExpired:
        return True
    return False
