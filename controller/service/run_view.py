"""What a run that goes on looks like right now, for whoever asks: kept up to date sample by sample, in few numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from plctl.common.protocol import requests as rq
from plctl.common.telemetry.samples import Samples
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.lifecycle.waits import Waits
from plctl.controller.results.run_record import RunRecord

_NUMBERS = "<i8"
#: So many rows are added up together: one after the other, the calls would cost more than the numbers.
_TOGETHER = 10_000


class RunView:
    """An observer of the run of `record`."""

    def __init__(self, record: RunRecord) -> None:
        self.t0_ns = 0
        self.now = RunPhase.NEW
        self.listeners: list[Callable[[str, Samples], None]] = []  #: hear of all telemetry, with the host it is from
        self._record = record
        self._rows = {link.plan.name: 2 * number for number, link in enumerate(record.links)}
        self._values: NDArray[np.int64] = np.zeros((2 * len(record.links), len(rq.LIVE_COLUMNS)), np.int64)
        self._seen = np.zeros(2 * len(record.links), bool)
        self._waiting: list[Samples] = []  #: to be added up
        self._waiting_rows = 0
        self._waits = Waits(((link.host, link.plan) for link in record.links), record.duration_ns)
        self._states = {link.plan.name: ("waiting", "") for link in record.links}

    @property
    def budget_ns(self) -> int:
        """Of the lateness of each link."""
        return self._record.budget.lateness_ns

    @property
    def link_count(self) -> int:
        """How many links the run has."""
        return len(self._record.links)

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        """Keep both."""
        self.now, self.t0_ns = phase, t0_ns

    def samples(self, host: str, samples: Samples) -> None:
        """Keep them until they are asked for, or are many."""
        for listener in self.listeners:
            listener(host, samples)
        self._waiting.append(samples)
        self._waiting_rows += len(samples)
        if self._waiting_rows >= _TOGETHER:
            self._add_up()

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """Keep what is said of a link; its first cause stays."""
        self._waits.note(event, host, link, facts)
        if link in self._states and event.startswith("link."):
            cause = self._states[link][1] or str(facts.get("cause", ""))
            self._states[link] = event.removeprefix("link."), cause

    def waits(self, now_ns: int) -> str:
        """What the run waits for, and how long; empty if for nothing worth a word."""
        return self._waits.told(now_ns, self.t0_ns)

    def links(self, most: int | None = None) -> tuple[rq.LinkState, ...]:
        """Every link, or the first `most`, in the plan's order."""
        self._add_up()
        return tuple(self._link(link.plan.name, link.host) for link in self._record.links[:most])

    def _add_up(self) -> None:
        """Add up what is a sum, and replace what is a state by the newest."""
        if not self._waiting:
            return
        rows = np.concatenate([self._rows_of(samples) for samples in self._waiting])
        for number, name in enumerate(rq.LIVE_COLUMNS):
            column = np.frombuffer(b"".join([samples.columns[name] for samples in self._waiting]), _NUMBERS)
            if name in rq.LIVE_SUMS:
                np.add.at(self._values[:, number], rows, column)
            else:
                self._values[rows, number] = column
        self._seen[rows] = True
        self._waiting.clear()
        self._waiting_rows = 0

    def _rows_of(self, samples: Samples) -> NDArray[np.int64]:
        """Which row of the view each sample is of."""
        firsts = np.array([self._rows[link] for link in samples.links], np.int64)
        link, direction = (np.frombuffer(samples.columns[name], _NUMBERS) for name in ("link", "direction"))
        rows: NDArray[np.int64] = firsts[link] + direction
        return rows

    def _link(self, name: str, host: str) -> rq.LinkState:
        row = self._rows[name]
        return rq.LinkState(name, host, *self._states[name], self._half(row), self._half(row + 1))

    def _half(self, row: int) -> tuple[int, ...]:
        return tuple(self._values[row].tolist()) if self._seen[row] else ()
