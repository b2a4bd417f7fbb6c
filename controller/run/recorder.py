"""Records in a run's folder what its agents report, if it is theirs to report, and what its machine notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from plctl.common.base.clock import Clock
from plctl.common.base.units import format_size
from plctl.common.protocol import messages as m
from plctl.common.telemetry.samples import Samples
from plctl.common.telemetry.socket_stats import SocketSamples
from plctl.controller.lifecycle.run_events import Note, RunPhase
from plctl.controller.results import event_log
from plctl.controller.results.event_log import CONTROLLER, Event
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.run.audit import RunAudit

#: The longest event of an agent, in characters of its line.
MAX_EVENT = 2**16


class Observer(Protocol):
    """Whoever watches a run while it goes on."""

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        """The run entered `phase`; T0 is 0 until it is chosen."""

    def samples(self, host: str, samples: Samples) -> None:
        """Telemetry came from `host`."""

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """An event was logged, by the controller or an agent; `t_ns` of its facts is on the controller's clock."""


class RunWatcher(Observer, Protocol):
    """An observer that may also end the run, and outlives its session."""

    def begin(self, cancel: Callable[[str], object]) -> None:
        """The run can be ended from now on, for the cause that `cancel` is told."""

    def complete(self) -> None:
        """The run is over, and its folder has all that it will have."""


class RunRecorder:
    """The reports that come in for one run, as far as `audit` believes them."""

    def __init__(self, audit: RunAudit, folder: RunFolder, clock: Clock, observer: Observer) -> None:
        self._audit = audit
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
                samples = Samples(links, columns)
                self._audit.check_telemetry(host, samples, offset_ns)
                self._folder.append_samples(host, samples, offset_ns)
                self._observer.samples(host, samples)
            case m.SocketStats(_, offset_ns, flows, columns):
                seen = SocketSamples(flows, columns)
                self._audit.check_sockets(host, seen, offset_ns)
                self._folder.append_socket_stats(host, seen, offset_ns)
            case m.Events(_, log, offset_ns):
                now_ns = self._clock.monotonic_ns()
                events = [event_log.translated(event, host, self._folder.run, offset_ns, now_ns) for event in log]
                self._audit.check_events(host, events)
                self._log(events, host)
                for event in events:
                    self._observer.note(str(event.get("event", "")), host, str(event.get("link", "")), event)
            case m.Artifact(_, link, name, data):
                self._audit.check_artifact(host, link, name, len(data))
                if missing := self._folder.append_artifact(link, name, data):
                    cause = f"somebody deleted or cut {name} in the results: {format_size(missing)} of it are missing"
                    self.note([Note("output.left_out", link=link, facts={"cause": cause})])
            case m.Packets(_, link, direction, records, captured):
                self._audit.check_packets(host, link, len(records) + len(captured))
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

    def _log(self, log: Iterable[Event], host: str) -> None:
        """Write events in controller time down with the wall-clock time that belongs to it."""
        wall_minus_monotonic = self._clock.wall_ns() - self._clock.monotonic_ns()
        longest = None if host == CONTROLLER else MAX_EVENT
        self._folder.append_events([event_log.dated(event, wall_minus_monotonic) for event in log], host, longest)
