"""Every message that may pass between a controller, its agents and its clients; what is not in the table is refused.

A message travels in an `Envelope`. A command (controller → agent) has an id, the epoch it belongs to (its run) and an
expiry; its answer quotes the id. Messages that must not be lost (`Numbered`) travel in the agent's
numbered stream and are acknowledged. What clients ask is in requests.py, what keeps
an agent and its controller in touch in presence.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plctl.common import __version__
from plctl.common.base.clock import ClockIdentity
from plctl.common.base.errors import ForbiddenError, ProtocolError, VersionError
from plctl.common.plan.link_change import AppliedChange, LinkChange
from plctl.common.plan.run_plan import RunPlan
from plctl.common.protocol import presence as ps
from plctl.common.protocol import requests as rq
from plctl.common.protocol.older import OLDER, said_older
from plctl.common.protocol.roles import Role
from plctl.common.protocol.wire import from_plain, pack, to_plain, unpack
from plctl.common.scenario.packed import PackedSchedule, ScheduleTable
from plctl.common.scenario.schedule import Direction
from plctl.common.telemetry.counters import HalfCounters
from plctl.common.telemetry.socket_stats import Flow
from plctl.common.telemetry.witness import InterfaceWatch, WorkerWatch

PROTOCOL_VERSION = 3
#: The most first bytes of frames that one message carries beside records of a packet log.
MAX_CAPTURED_BYTES = 2**20
#: The most records of a packet log that one message carries: 256 KiB.
MAX_PACKETS = 4096


@dataclass(frozen=True, slots=True)
class HostCapacity:
    """What a host can take in all, whatever it has taken already; the agent refuses links by the same memory."""

    memory_bytes: int = 0  #: for the frames inside links, and their packet logs
    packets_per_s: int = 0  #: that the forwarder's workers carry together
    workers: int = 0  #: of the forwarder; a link is served by one


@dataclass(frozen=True, slots=True)
class Hello:
    """An agent introduces itself; the first message on every connection."""

    agent: str
    version: str  #: of plctl
    pid: int
    clock: ClockIdentity
    facts: dict[str, str] = field(default_factory=dict)  #: kernel, CPUs, memory … for run.json
    capacity: HostCapacity = field(default_factory=HostCapacity)
    simulated: bool = False  #: it builds nothing, and makes up what it reports


@dataclass(frozen=True, slots=True)
class Welcome:
    """The controller accepts an agent. `acknowledged` is the last number of its stream that arrived."""

    controller: str
    clock: ClockIdentity
    acknowledged: int = 0
    exchange_gap_ns: int = 0  #: between two exchanges of clock readings when all agents read the clock; 0: any


@dataclass(frozen=True, slots=True)
class Prepare:
    """Build these links, check them, start what must be ready before T0. Answered by `Prepared`."""

    plan: RunPlan
    exchanges: int = 0  #: of clock readings that the agent may ask for meanwhile, if they would be of use
    exchange_gap_ns: int = 0  #: between two of them, about; also of those around T0


@dataclass(frozen=True, slots=True)
class LinkReadiness:
    """One link after PREPARE: ready if `cause` is empty."""

    link: str
    cause: str = ""
    check: str = ""  #: what the self-check found, in words
    io: str = ""  #: what carries its frames, in words: "xdp", "packet", or "packet" and why not XDP


@dataclass(frozen=True, slots=True)
class Prepared:
    """READY, or the causes why not, for every link of the plan."""

    links: tuple[LinkReadiness, ...]
    facts: dict[str, str] = field(default_factory=dict)  #: of the host's forwarder, for run.json


@dataclass(frozen=True, slots=True)
class Arm:
    """Get ready to start all links at `t0_ns` (the controller's monotonic clock). Answered by `Armed` or `NotArmed`."""

    t0_ns: int


@dataclass(frozen=True, slots=True)
class Armed:
    """The agent can start at T0, which it knows on its own clock to within `bound_ns`, as `source` shows."""

    bound_ns: int
    source: str


@dataclass(frozen=True, slots=True)
class NotArmed:
    """The agent cannot keep this T0: ARM came too late for it, or the agent does not know the time. Another may do."""

    cause: str


@dataclass(frozen=True, slots=True)
class Commit:
    """Every agent is armed: start. Answered by `Started` once T0 has passed."""

    t0_ns: int


@dataclass(frozen=True, slots=True)
class LinkStart:
    """When a link was to start and when its forwarder did (the agent's monotonic clock)."""

    link: str
    planned_ns: int
    started_ns: int  #: 0: it did not, as one that waits for traffic


@dataclass(frozen=True, slots=True)
class Started:
    """All links of the agent have started; now T0 is known to within `bound_ns` on its clock (−1: no more)."""

    links: tuple[LinkStart, ...]
    bound_ns: int


@dataclass(frozen=True, slots=True)
class ApplyChange:
    """Change a link while it runs, as soon as can be. Answered by `Changed`."""

    link: str
    change: LinkChange
    by: str  #: who asked for it


@dataclass(frozen=True, slots=True)
class Changed:
    """The link goes through this change; in the numbered stream it is told as the event `scenario.changed`, too."""

    link: str
    applied: AppliedChange


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run's workloads now. The agent then sends `Finished` as it does at the run's own end."""

    cause: str


@dataclass(frozen=True, slots=True)
class DirectionResult(HalfCounters):
    """One half of a link over the whole run: its counters, and nanoseconds (−1 where nothing was delivered)."""

    lateness_p50_ns: int = -1  #: how late frames left: the median
    lateness_p99_ns: int = -1  #: the same: the 99th percentile
    lateness_max_ns: int = -1  #: the same: the worst
    lateness_packets: int = 0  #: that the percentiles of lateness rest on
    late_packets: int | None = None  #: of those, later than the budget allows; None: not told
    packet_log_lost: int = 0  #: records that the packet log had no room for
    capture_lost: int = 0  #: frames whose first bytes were asked for and found no room


@dataclass(frozen=True, slots=True)
class WorkloadResult:
    """How a workload ended. `status` is its exit status, or minus the signal that ended it.

    `cause` is empty unless it failed; a workload that the run's end ended did not fail. Times are those of the agent's
    monotonic clock.
    """

    name: str  #: unique within its link
    at: str  #: `client` or `server`
    status: int  #: exit status, or minus the signal that ended it
    cause: str = ""  #: why it failed; empty if it did not, also if the run's end ended it
    planned_ns: int | None = None  #: when its command was to be executed; None: as soon as it was there
    executed_ns: int | None = None  #: when it was; 0: never; None: not known
    ended_ns: int | None = None  #: when its agent noticed its end; None: not known


@dataclass(frozen=True, slots=True)
class LinkResult:
    """What became of one link."""

    link: str  #: its name
    up: DirectionResult  #: from client to server
    down: DirectionResult  #: from server to client
    workloads: tuple[WorkloadResult, ...] = ()  #: one for each that was to run
    cause: str = ""  #: why the link failed after its start, if it did
    scenario_start_ns: int = 0  #: at which scenario time is 0 (the agent's monotonic clock); 0: it never started
    from_ns: int | None = None  #: since when the link's counters count (the agent's monotonic clock)
    until_ns: int | None = None  #: when they were last read
    limits: tuple[str, ...] = ()  #: that the agent ran into, a sentence each
    worker: WorkerWatch | None = None  #: None: nobody watched it
    interfaces: InterfaceWatch | None = None  #: None: nobody watched them


@dataclass(frozen=True, slots=True)
class Finished:
    """All workloads of the agent have ended and its links are at rest."""

    links: tuple[LinkResult, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """Take everything of the run away. Answered by `Released`."""


@dataclass(frozen=True, slots=True)
class Released:
    """Nothing of the run is left on the agent's host."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A command was not carried out; without `reply_to`, from the controller: this agent cannot be served.

    The one message whose shape no version of the protocol changes.
    """

    cause: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """To an agent: leave. From an agent or a client: it leaves, for this cause."""

    cause: str = ""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A batch of samples in columns: `links` and `columns` are those of `plctl.common.telemetry.samples.Samples`."""

    number: int
    offset_ns: int  #: controller's clock − agent's, as the agent estimated it
    links: tuple[str, ...]
    columns: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class SocketStats:
    """What was seen of TCP sockets: `flows` and `columns` are those of `SocketSamples` in `plctl.common.telemetry`."""

    number: int
    offset_ns: int  #: controller's clock − agent's, as the agent estimated it
    flows: tuple[Flow, ...]
    columns: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Events:
    """Structured log events of the agent, in order."""

    number: int
    events: tuple[dict[str, Any], ...]
    offset_ns: int | None = None  #: controller's clock − agent's, as the agent estimated it, if it could


@dataclass(frozen=True, slots=True)
class Artifact:
    """A piece of what a workload printed or left in its folder; those of one file arrive in order and without a gap."""

    number: int
    link: str
    name: str  #: the file's path, with slashes
    data: bytes


@dataclass(frozen=True, slots=True)
class Packets:
    """Up to `MAX_PACKETS` records of a link's packet log, each as `plctl.common.telemetry.packet_log` has it."""

    number: int
    link: str
    direction: Direction
    records: bytes
    captured: bytes = b""  #: the first bytes of those with CAPTURED, up to `MAX_CAPTURED_BYTES`


@dataclass(frozen=True, slots=True)
class Gap:
    """The agent had to let the reports `first` … `number` of its stream go; they will not come."""

    number: int
    first: int
    forgotten: bool = False  #: they were acknowledged, by a controller whose journal has lost that since


@dataclass(frozen=True, slots=True)
class Report:
    """The agent's `Finished`, in the numbered stream: it comes after all telemetry, events and artifacts of the run."""

    number: int
    finished: Finished


@dataclass(frozen=True, slots=True)
class Ack:
    """Everything up to and including `number` of the agent's stream has arrived and is kept."""

    number: int


Numbered = Telemetry | SocketStats | Events | Artifact | Packets | Gap | Report  #: the reports of the numbered stream

Message = (
    Hello | Welcome | Prepare | Prepared | Arm | Armed | NotArmed | Commit | Started | ApplyChange | Changed | Stop
    | Release | Released | Refused | Goodbye | Numbered | Ack
    | ps.Heartbeat | ps.Status | ps.ClockQuery | ps.ClockReply
    | rq.ClientRequest | rq.ClientAnswer
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of message and who may send it."""

    message: type[Any]
    senders: frozenset[Role]


def _from(senders: set[Role], messages: dict[str, type[Any]]) -> dict[str, Kind]:
    return {name: Kind(message, frozenset(senders)) for name, message in messages.items()}


#: The one table of what may be said, by whom.
TABLE: dict[str, Kind] = {
    **_from({"agent"}, {
        "hello": Hello, "prepared": Prepared, "armed": Armed, "not_armed": NotArmed, "started": Started,
        "changed": Changed, "released": Released,
        "telemetry": Telemetry, "socket_stats": SocketStats, "events": Events, "artifact": Artifact, "packets": Packets,
        "gap": Gap, "report": Report, "status": ps.Status, "clock_query": ps.ClockQuery,
    }),
    **_from({"controller"}, {
        "welcome": Welcome, "prepare": Prepare, "arm": Arm, "commit": Commit, "change": ApplyChange, "stop": Stop,
        "release": Release,
        "ack": Ack, "heartbeat": ps.Heartbeat, "clock_reply": ps.ClockReply,
        "agents": rq.Agents, "submitted": rq.Submitted, "runs": rq.Runs, "run_state": rq.RunState, "files": rq.Files,
        "file_part": rq.FilePart, "link_changed": rq.LinkChanged, "done": rq.Done,
    }),
    **_from({"operator", "viewer"}, {
        "list_agents": rq.ListAgents, "list_runs": rq.ListRuns, "read_run": rq.ReadRun, "list_files": rq.ListFiles,
        "read_file": rq.ReadFile,
    }),
    **_from({"operator"}, {"submit": rq.Submit, "cancel": rq.Cancel, "clean": rq.Clean, "change_link": rq.ChangeLink}),
    "refused": Kind(Refused, frozenset({"agent", "controller"})),
    "goodbye": Kind(Goodbye, frozenset({"agent", "controller", "operator", "viewer"})),
}  # fmt: skip
_NAMES: dict[type[Any], str] = {kind.message: name for name, kind in TABLE.items()}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message with what every message carries."""

    message: Message
    id: int = 0  #: of a command; unique within the controller's life
    reply_to: int = 0  #: id of the command that this answers
    epoch: str = ""  #: the run it belongs to
    expires_ns: int = 0  #: on the controller's clock; 0: never
    version: int = PROTOCOL_VERSION  #: of the protocol, in which it was said, or is to be


@dataclass(frozen=True, slots=True)
class _Frame:
    """An envelope as it lies on the wire."""

    v: int
    type: str
    body: dict[str, Any]
    id: int = 0
    reply_to: int = 0
    epoch: str = ""
    expires_ns: int = 0
    schedules: tuple[PackedSchedule, ...] = ()  #: to which the body's links refer, by place


def may_send(role: Role, message: Message) -> bool:
    """Whether it is for `role` to send such a message."""
    return role in TABLE[_NAMES[type(message)]].senders


def encode(envelope: Envelope) -> bytes:
    """The bytes of `envelope`, in its version of the protocol.

    :raises VersionError: that version has no words for it.
    :raises ProtocolError: it is too large.
    """
    message = envelope.message
    schedules = ScheduleTable()
    body = to_plain(message, schedules)
    if envelope.version == OLDER:
        body = said_older(message, body, leave_out=isinstance(message, rq.ClientAnswer))
    frame = _Frame(
        v=envelope.version,
        type=_NAMES[type(message)],
        body={},
        id=envelope.id,
        reply_to=envelope.reply_to,
        epoch=envelope.epoch,
        expires_ns=envelope.expires_ns,
        schedules=schedules.packed(),
    )
    plain = to_plain(frame) | {"body": body}
    if not frame.schedules:
        del plain["schedules"]  # most messages have none
    return pack(plain)


def version_of(data: bytes) -> int | None:
    """The version of the protocol in which `data`, a message that was not decoded, says that it is; None: who knows.

    A small map whose first key is `v`, as `encode` writes it, for code that must answer before it decodes.
    """
    return data[3] if data[1:3] == b"\xa1v" and len(data) > 3 else None


def decode(data: bytes, sender: Role) -> Envelope:
    """The envelope in `data`, which a peer in the role of `sender` sent.

    :raises VersionError: it is of another version of the protocol.
    :raises ForbiddenError: its type is unknown, or not for `sender` to send.
    :raises ProtocolError: anything else about it is not as the protocol says.
    """
    plain = unpack(data)
    served = (PROTOCOL_VERSION,) if sender == "controller" else (PROTOCOL_VERSION, OLDER)
    if isinstance(plain, dict) and plain.get("v") not in served:
        raise VersionError(_other_version(plain))
    frame = from_plain(_Frame, plain, "message")
    kind = TABLE.get(frame.type)
    if kind is None or sender not in kind.senders:
        raise ForbiddenError(_forbidden(frame.type, sender, known=kind is not None))
    try:
        schedules = ScheduleTable(frame.schedules)
    except ValueError as error:
        raise ProtocolError(f"{frame.type}: a schedule is none: {error}") from None
    return Envelope(
        message=from_plain(kind.message, frame.body, frame.type, schedules),
        id=frame.id,
        reply_to=frame.reply_to,
        epoch=frame.epoch,
        expires_ns=frame.expires_ns,
        version=frame.v,
    )


def _other_version(plain: dict[Any, Any]) -> str:
    """A refusal is the one message that is understood across versions: its cause is passed on."""
    text = f"protocol version {plain.get('v')!r:.40}; this side speaks {PROTOCOL_VERSION} (plctl {__version__})"
    body = plain.get("body")
    if plain.get("type") == "refused" and isinstance(body, dict) and isinstance(cause := body.get("cause"), str):
        text += f"; the other side refused: {cause:.500}"
    return f"{text}; upgrade the older side; a controller serves version {OLDER}, too, so upgrade it first"


def _forbidden(name: str, sender: Role, *, known: bool) -> str:
    what = "is not for this role to send" if known else "is no type of message"
    legal = ", ".join(name for name, kind in TABLE.items() if sender in kind.senders) or "nothing"
    return f"{name!r:.80} {what}; legal from {sender}: {legal}"
