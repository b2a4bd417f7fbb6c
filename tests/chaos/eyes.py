"""The judge's eyes on the links of runs: the rings of `tests/truth` at both ends, from when its namespaces are there.

Nothing holds a run back for them: an end that is opened after T0 is of no use to the judge, and is told as that. They
are closed as soon as the run is over, because an open descriptor keeps a namespace in being.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from truth.capture.ends import End

from chaos.evidence import RunSeen, Watched, now_ns
from chaos.hosts import Hosts
from chaos.plan import PlannedLink
from chaos.programs.witness import BURST_EVERY

_NETNS = Path("/run/netns")
_ENDS = ("client", "server")
#: Frames beside the sender's that a ring has room for: the self-check's, and errors that the kernel answers with.
_SPARE_FRAMES = 300
_A_SECOND = 50
_SECONDS_MORE = 2.0


class Eyes:
    """On all runs of a plan."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._open: dict[tuple[str, str], tuple[int, dict[str, End]]] = {}

    def look(self, runs: list[RunSeen]) -> None:
        """Open what is there and not watched yet; close what is over."""
        for seen in runs:
            if not seen.run:
                continue
            for link in seen.planned.links:
                key = (seen.planned.name, link.name)
                if seen.done_ns:
                    self._close(seen, link.name)
                elif key not in self._open:
                    self._try(key, seen, link)

    def close(self, runs: list[RunSeen]) -> None:
        """The end of all."""
        for seen in runs:
            for link in seen.planned.links:
                self._close(seen, link.name)

    def _try(self, key: tuple[str, str], seen: RunSeen, link: PlannedLink) -> None:
        found = self._namespaces(link, seen.run.rpartition("-")[2])
        if not found:
            return
        per_second = _A_SECOND + link.burst * _A_SECOND / BURST_EVERY
        frames = round(per_second * (seen.planned.seconds + _SECONDS_MORE)) + _SPARE_FRAMES
        try:
            with contextlib.ExitStack() as stack:
                ends = {}
                for end, path in found.items():
                    namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                    stack.callback(os.close, namespace)
                    ends[end] = End(namespace, frames)
        except OSError:  # it went, or is not mounted yet; looked for again
            return
        self._open[key] = (now_ns(), ends)

    def _namespaces(self, link: PlannedLink, token: str) -> dict[str, Path]:
        folder = self._hosts.root(link.host, _NETNS)
        found = {end: next(folder.glob(f"pl-*-{token}-{link.name}-{end}"), None) for end in _ENDS}
        return {end: path for end, path in found.items() if path} if all(found.values()) else {}

    def _close(self, seen: RunSeen, link: str) -> None:
        if opened := self._open.pop((seen.planned.name, link), None):
            since_ns, ends = opened
            seen.watched[link] = Watched(since_ns, {name: end.look() for name, end in ends.items()})
            for end in ends.values():
                end.__exit__()
