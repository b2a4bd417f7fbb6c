"""What is monitored, at one moment: taken quickly where the controller lives, made text of elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plctl.common.protocol import requests as rq

#: Links whose series are exposed; those of further ones are left out and counted. A scrape of these takes some 100 ms.
MOST_LINKS = 500


@dataclass(frozen=True, slots=True)
class MonitoredRun:
    """A run that goes on."""

    run: str
    phase: str
    budget_ns: int  #: of lateness
    links: tuple[rq.LinkState, ...] = ()  #: as many as are exposed
    left_out: int = 0  #: links beyond these


@dataclass(frozen=True, slots=True)
class Monitored:
    """All of it."""

    agents: tuple[rq.AgentInfo, ...] = ()
    runs: tuple[MonitoredRun, ...] = ()
    verdicts: Mapping[str, int] = field(default_factory=dict)  #: of runs that are over: how many have which
    refused: Mapping[str, int] = field(default_factory=dict)  #: messages that had no effect, by why
    streams: int = 0  #: that pages have open
