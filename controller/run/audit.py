"""Holds what agents report of a run to what can be true, and to what they may take of the controller.

An agent has a key, and may lie all the same. What it reports must be of its own links, of the time in which the run
goes on, and not contradict itself; and it may take only so much room, far beyond what any honest agent needs. Whatever
is refused here is a `ProtocolError`: the run then believes nothing of that agent any more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from plctl.common.base.clock import Clock
from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_S, format_duration, format_size
from plctl.common.plan.run_plan import RunPlan
from plctl.common.protocol import messages as m
from plctl.common.telemetry.packet_log import RECORD
from plctl.common.telemetry.samples import Samples
from plctl.common.telemetry.socket_stats import SocketSamples
from plctl.controller.results.event_log import Event

if TYPE_CHECKING:
    from plctl.controller.run.books import RunBooks

#: Nothing may be dated so long before the run began, or after now: far more than clocks are apart that start together.
CLOCK_SLACK_NS = 60 * NS_PER_S
#: Events of one agent: at once, for each of its links, and in each second.
EVENTS, EVENTS_A_LINK, EVENTS_A_SECOND = 10_000, 64, 1_000
#: What an agent keeps of each output, and of the files that programs leave (docs/safety.md), and a last piece.
OUTPUT_BYTES = 257 * 2**20
#: Files of one link that may be left, beside each program's two outputs; and how long their paths may be, in bytes.
FILES, PATH_BYTES, NAME_BYTES = 1_100, 2_048, 255
#: Records of packets of one agent, in bytes: at once, and in each second, in which it carries a few million packets.
PACKET_BYTES, PACKET_BYTES_A_SECOND = 2**28, 2**28
#: Of sockets at once, and at each look: some twenty thousand.
SOCKET_BYTES, SOCKET_BYTES_A_LOOK = 2**26, 2**22

_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
#: Events that are the controller's to write.
_OURS = re.compile(
    r"(run|peer)\..*|link\.(ready|failed|started|open|not_started|finished)"
    r"|agent\.(armed|silent|returned|released|not_released|distrusted)"
)


class RunAudit:
    """What the agents of one run may still report; each method raises `ProtocolError` for what they may not."""

    def __init__(self, plans: Mapping[str, RunPlan], clock: Clock) -> None:
        self._plans = plans
        self._clock = clock
        self._began_ns = clock.monotonic_ns()
        self._links = {link.name: (host, link) for host, plan in plans.items() for link in plan.links}
        self._events: Counter[str] = Counter()
        self._packets: Counter[str] = Counter()
        self._sockets: Counter[str] = Counter()
        self._output: Counter[str] = Counter()  #: bytes, by link
        self._files: dict[str, set[str]] = {}

    @cached_property
    def _books(self) -> RunBooks:
        from plctl.controller.run.books import RunBooks  # noqa: PLC0415  # numpy, for which no start waits

        interval_ns = min((plan.sample_interval_ns for plan in self._plans.values()), default=1)
        return RunBooks(tuple(self._links), interval_ns)

    def begin(self, at_ns: int) -> None:
        """The run began then, on the controller's clock."""
        self._began_ns = at_ns

    def check_links(self, host: str, links: Iterable[str], what: str) -> None:
        """Each link must be the host's own, and be named once."""
        seen = set()
        for link in links:
            if self._links.get(link, ("",))[0] != host:
                raise ProtocolError(f"{what} of link {link!r:.80}, which is not its own")
            if link in seen:
                raise ProtocolError(f"{what} of link {link!r:.80} twice")
            seen.add(link)

    def check_telemetry(self, host: str, samples: Samples, offset_ns: int) -> None:
        """Rows must be of the run's time, follow each other, and be no more than were asked for."""
        self.check_links(host, samples.links, "telemetry")
        if len(samples):
            self._books.check(
                samples, self._latest_ns() - offset_ns, self._earliest_ns() - offset_ns, self._elapsed_ns()
            )

    def check_sockets(self, host: str, samples: SocketSamples, offset_ns: int) -> None:
        """Sockets must have been asked for."""
        self.check_links(host, {flow.link for flow in samples.flows}, "socket statistics")
        if not (interval_ns := self._plans[host].socket_stats_ns):
            raise ProtocolError("socket statistics, which the run does not ask for")
        self._books.check_times("socket statistics", samples.columns["t_ns"],
                                self._latest_ns() - offset_ns, self._earliest_ns() - offset_ns)  # fmt: skip
        self._sockets[host] += sum(map(len, samples.columns.values()))
        looks = self._elapsed_ns() // interval_ns + 1
        self._require(self._sockets[host], SOCKET_BYTES + looks * SOCKET_BYTES_A_LOOK, "bytes of socket statistics")

    def check_events(self, host: str, events: Iterable[Event]) -> None:
        """Events, in the controller's time, must be the agent's to tell, of its own links, and of the run's time."""
        earliest_ns, latest_ns = self._earliest_ns(), self._latest_ns()
        for event in events:
            self._events[host] += 1
            name, link = event.get("event"), event.get("link", "")
            if not isinstance(name, str) or len(name) > NAME_BYTES or not _NAME.fullmatch(name):
                raise ProtocolError(f"an event that is called {name!r:.80}")
            if _OURS.fullmatch(name):
                raise ProtocolError(f"an event {name}, which is the controller's to tell")
            if link != "":
                self.check_links(host, (link if isinstance(link, str) else repr(link),), "an event")
            if not earliest_ns <= event["t_ns"] <= latest_ns:
                raise ProtocolError(f"an event {name} of {_when(event['t_ns'], self._clock.monotonic_ns())}")
        most = EVENTS + EVENTS_A_LINK * len(self._plans[host].links) + self._per_second(EVENTS_A_SECOND)
        self._require(self._events[host], most, "events")

    def check_artifact(self, host: str, link: str, name: str, size: int) -> None:
        """Output must be of the agent's own links, in files that can be, and no more than an agent keeps."""
        self.check_links(host, (link,), "an artifact")
        parts = name.encode(errors="replace").split(b"/")
        if len(name.encode(errors="replace")) > PATH_BYTES or max(map(len, parts)) > NAME_BYTES:
            raise ProtocolError(f"an artifact with a longer name than a file may have: {name!r:.80}")
        programs = len(self._links[link][1].workloads)
        self._files.setdefault(link, set()).add(name)
        self._output[link] += size
        self._require(len(self._files[link]), FILES + 2 * programs, f"files of link {link}")
        self._require(self._output[link], OUTPUT_BYTES * (2 * programs + 1), f"bytes of output of link {link}")

    def check_packets(self, host: str, link: str, size: int) -> None:
        """Packet logs must have been asked for."""
        self.check_links(host, (link,), "a packet log")
        if not self._links[link][1].packets:
            raise ProtocolError(f"a packet log of link {link}, which the run does not ask for")
        self._packets[host] += size
        frames = 1 + max(each.capture_bytes for each in self._plans[host].links) // RECORD.size
        most = frames * (PACKET_BYTES + self._per_second(PACKET_BYTES_A_SECOND))
        self._require(self._packets[host], most, "bytes of packet logs")

    def check_result(self, host: str, finished: m.Finished, planned: Mapping[str, int], t0_ns: int) -> None:
        """A result must not contradict itself, the clock, or what telemetry has told already.

        :param planned: T0 on the host's clock, by link, as far as it is known; on the controller's it is `t0_ns`.
        """
        self.check_links(host, (each.link for each in finished.links), "a result")
        for each in finished.links:
            latest_ns = self._latest_ns() - t0_ns + planned.get(each.link, 0) if planned.get(each.link) else None
            self._books.check_result(each, latest_ns)

    def _earliest_ns(self) -> int:
        return self._began_ns - CLOCK_SLACK_NS

    def _latest_ns(self) -> int:
        return self._clock.monotonic_ns() + CLOCK_SLACK_NS

    def _elapsed_ns(self) -> int:
        return max(0, self._clock.monotonic_ns() - self._began_ns)

    def _per_second(self, amount: int) -> int:
        return amount * self._elapsed_ns() // NS_PER_S

    @staticmethod
    def _require(amount: int, most: int, what: str) -> None:
        if amount > most:
            allowed = format_size(most) if what.startswith("bytes") else str(most)
            raise QuotaError(f"more {what} than the {allowed} that any honest agent would need by now")


class QuotaError(ProtocolError):
    """An agent asks more room of the controller than it can need; it is misled, or its key is in wrong hands."""


def _when(t_ns: int, now_ns: int) -> str:
    ago = now_ns - t_ns
    return f"{format_duration(abs(ago))} {'ago, before the run began' if ago > 0 else 'from now'}"
