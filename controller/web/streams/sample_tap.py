"""Taps the telemetry of a run for the few links that one reader follows, and keeps no more of it than a bound."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from plctl.common.telemetry.samples import SAMPLE_COLUMNS, Samples
from plctl.controller.report.series import curves_of
from plctl.controller.service.run_view import RunView
from plctl.controller.web.curves import Floats, columns_of, measured_document, of_message

#: Samples that wait for a reader, of all its links together.
MOST_WAITING = 4_000
#: More points than this never come at once, so what is new is not folded.
_UNFOLDED = 1_000_000


class SampleTap:
    """What came of `links` and has not been taken yet; the oldest goes where nobody takes it."""

    def __init__(self, links: Iterable[str], most: int = MOST_WAITING) -> None:
        self.links = frozenset(links)
        self.dropped = 0  #: samples that were not taken in time, since `take` was called last
        self._most = most
        self._waiting: deque[tuple[str, str, Floats]] = deque()  #: link, host, samples
        self._rows = 0
        self._view: RunView | None = None

    def attach(self, view: RunView | None) -> None:
        """Listen to `view`, and to no other any more; None: to nobody."""
        if view is self._view:
            return
        if self._view is not None:
            self._view.listeners.remove(self._hear)
        if view is not None and self.links:
            view.listeners.append(self._hear)
            self._view = view
        else:
            self._view = None

    def take(self, t0_by_host: Mapping[str, int], host_of: Callable[[str], str]) -> list[dict[str, Any]]:
        """The documents of what came of each link, in the columns of `Measured`; before T0 is known, none."""
        waiting, self._waiting, self._rows = self._waiting, deque(), 0
        pieces: dict[str, list[Floats]] = {}
        for link, _, samples in waiting:
            pieces.setdefault(link, []).append(samples)
        found = []
        for link, parts in pieces.items():
            t0_ns = t0_by_host.get(host_of(link))
            if t0_ns is not None:
                halves = columns_of(parts, t0_ns)
                curves = {name: measured_document(curves_of(each, _UNFOLDED)) for name, each in halves.items()}
                found.append({"link": link, **curves})
        return found

    def take_dropped(self) -> int:
        """How many samples were dropped since this was asked last."""
        dropped, self.dropped = self.dropped, 0
        return dropped

    def _hear(self, host: str, samples: Samples) -> None:
        wanted = self.links.intersection(samples.links)
        if not wanted:
            return
        numbers = b"".join([samples.columns[name] for name in SAMPLE_COLUMNS])
        for link in wanted:
            rows = of_message(samples.links, np.frombuffer(numbers, np.uint8), link)
            self._waiting.append((link, host, rows))
            self._rows += rows.shape[1]
        while self._rows > self._most:
            rows = self._waiting.popleft()[2]
            self._rows -= rows.shape[1]
            self.dropped += rows.shape[1]
