"""What a probe prints in the end: one session's figures as one JSON document, and how to read it back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from plctl.agent.probe.flow import ProbeFlow
from plctl.agent.probe.report import DirectionReport
from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import format_duration

#: Version of the JSON document.
FORMAT = 1

CLOCK = "CLOCK_MONOTONIC; receive times are the kernel's (SO_TIMESTAMPNS), send times are read right before the send"


@dataclass(frozen=True, slots=True)
class SessionReport:
    """The figures of one session; a direction is None if it was not asked for or nothing is known about it."""

    session: str
    peer: str
    asked: dict[str, Any]
    up: DirectionReport | None
    down: DirectionReport | None
    clock: dict[str, Any]
    complete: bool  #: both ends' figures are in
    notes: tuple[str, ...]  #: whatever makes the figures less than they should be, in sentences

    @classmethod
    def of(
        cls,
        flow: ProbeFlow,
        up: DirectionReport | None,
        down: DirectionReport | None,
        steps: list[int],
        notes: list[str],
    ) -> SessionReport:
        """Wrap up what is known of `flow`; `steps` are those of this end's wall clock.

        `notes` say why figures are missing; without any, the report is complete.
        """
        clock = {"name": CLOCK, "shared": flow.shared_clock, "steps_ns": steps}
        complete = not notes
        notes = notes + _clock_notes(flow.shared_clock, steps)
        notes += _machine_notes("up", up, flow.pattern.count) + _machine_notes("down", down, flow.pattern.count)
        peer = f"{flow.peer[0]} port {flow.peer[1]}"
        return cls(f"{flow.session:016x}", peer, asdict(flow.pattern), up, down, clock, complete, tuple(notes))

    def as_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> SessionReport:
        """Read back what `plctl probe` printed: a client's document, or an entry of a server's ``sessions``.

        :raises ProtocolError: it is not one.
        """
        try:
            rest = {key: value for key, value in content.items() if key not in ("role", "format")}
            up, down = (DirectionReport.from_dict(rest[way]) if rest[way] else None for way in ("up", "down"))
            return cls(**{**rest, "up": up, "down": down, "notes": tuple(rest["notes"])})
        except (KeyError, TypeError) as error:
            raise ProtocolError(f"not a probe's report: {error}") from None


def _machine_notes(way: str, report: DirectionReport | None, asked: int) -> list[str]:
    """What the machine, and not the path, did to the packets of one direction."""
    if report is None:
        return []
    notes = []
    if report.total.sent is not None and report.total.sent < asked:
        notes.append(f"{way}: {report.total.sent} of {asked} packets were sent before the end")
    if report.send_errors:
        notes.append(f"{way}: the sender's kernel refused {report.send_errors} packets")
    if report.overflowed:
        notes.append(f"{way}: {report.overflowed} packets arrived but found no room in the probe's own socket: lost")
    return notes


def _clock_notes(shared: bool, steps: list[int]) -> list[str]:
    notes = []
    if not shared:
        notes.append("the two ends do not share a clock (other machine, other boot or other time namespace): no delays")
    if steps:
        by = ", ".join(format_duration(step) for step in steps)
        notes.append(f"the wall clock was set during the run (by {by}); packets that arrived meanwhile have no delay")
    return notes
