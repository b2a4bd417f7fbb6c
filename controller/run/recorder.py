"""Records in a run's folder what its agents report, if it is theirs to report, and what its machine notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from plctl.common.base.clock import Clock
from plctl.common.base.errors import ProtocolError
from plctl.common.protocol import messages as m
from plctl.common.telemetry.samples import Samples
from plctl.common.telemetry.socket_stats import SocketSamples
from plctl.controller.lifecycle.run_events import Note, RunPhase
from plctl.controller.results import event_log
from plctl.controller.results.event_log import CONTROLLER, Event
from plctl.controller.results.run_folder import RunFolder


class Observer(Protocol):
    """Whoever watches a run while it goes on."""

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        """The run entered `phase`; T0 is 0 until it is chosen."""

    def samples(self, host: str, samples: Samples) -> None:
        """Telemetry came from `host`."""

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """An event was logged, by the controller or an agent; `t_ns` of its facts is on the controller's clock."""


class RunRecorder:
    """The reports that come in for one run, whose links are on the hosts that `hosts` says."""

    def __init__(self, hosts: Mapping[str, str], folder: RunFolder, clock: Clock, observer: Observer) -> None:
        self._hosts = hosts
        self._folder = folder
        self._clock = clock
        self._observer = observer

    def record(self, host: str, message: m.Telemetry | m.SocketStats | m.Events | m.Artifact | m.Packets) -> None:
        """Keep one report of `host`.

        :raises ProtocolError: it is not for that host to report.
        :raises WorldError: it cannot be written.
        """
        match message:
            case m.Telemetry(_, offset_ns, links, columns):
                self._require_own(host, links, "telemetry")
                samples = Samples(links, columns)
                self._folder.append_samples(host, samples, offset_ns)
                self._observer.samples(host, samples)
            case m.SocketStats(_, offset_ns, flows, columns):
                self._require_own(host, {flow.link for flow in flows}, "socket statistics")
                self._folder.append_socket_stats(host, SocketSamples(flows, columns), offset_ns)
            case m.Events(_, log, offset_ns):
                now_ns = self._clock.monotonic_ns()
                events = [event_log.translated(event, host, self._folder.run, offset_ns, now_ns) for event in log]
                self._log(events, host)
                for event in events:
                    self._observer.note(str(event.get("event", "")), host, str(event.get("link", "")), event)
            case m.Artifact(_, link, name, data):
                self._require_own(host, (link,), "an artifact")
                self._folder.append_artifact(link, name, data)
            case m.Packets(_, link, direction, records, captured):
                self._require_own(host, (link,), "a packet log")
                self._folder.append_packets(link, direction, records, captured)

    def note(self, notes: Sequence[Note]) -> None:
        """Log what the run's machine wants noted because of one event, all at once, and show it.

        :raises WorldError: it cannot be written.
        """
        if not notes:
            return
        about = {"t_ns": self._clock.monotonic_ns(), "host": CONTROLLER}
        log = [
            about | {"link": note.link, "event": note.event, **note.facts} | ({"host": note.host} if note.host else {})
            for note in notes
        ]
        self._log(log, CONTROLLER)
        for note, event in zip(notes, log, strict=True):
            self._observer.note(note.event, note.host, note.link, event)

    def _require_own(self, host: str, links: Iterable[str], what: str) -> None:
        for link in links:
            if self._hosts.get(link) != host:
                raise ProtocolError(f"{what} of link {link!r:.80}, which is not its own")

    def _log(self, log: Iterable[Event], host: str) -> None:
        """Write events in controller time down with the wall-clock time that belongs to it."""
        wall_minus_monotonic = self._clock.wall_ns() - self._clock.monotonic_ns()
        self._folder.append_events([event_log.dated(event, wall_minus_monotonic) for event in log], host)
