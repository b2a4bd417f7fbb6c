"""What a client (an operator or a viewer) may ask of a controller, and the answers: one answer to each request.

A request changes nothing that a second copy of it would change again: the controller keeps its answers by the client's
name and the request's id. Whoever follows a run asks again and again; the controller keeps nothing about its followers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from plctl.common.plan.link_change import AppliedChange, LinkChange
from plctl.common.plan.run_request import RunRequest
from plctl.common.protocol.wire import Table
from plctl.common.telemetry.counters import COUNTERS

PlacementPolicy = Literal["spread", "pack"]
#: The most bytes of a file that one answer carries.
MAX_FILE_PART = 2**20


@dataclass(frozen=True, slots=True)
class ListAgents:
    """Which agents are there, and how are they? Answered by `Agents`."""


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """One agent as the controller sees it."""

    name: str
    address: str  #: IP address, or `local`
    version: str  #: of plctl
    connected: bool
    silent_ns: int  #: since it was last heard
    runs: tuple[str, ...]  #: that have a part on it
    links: int  #: of those runs
    memory_bytes: int  #: that the frames of further links may take
    packets_per_s: int  #: that its forwarder is estimated to carry in all
    packets_per_s_taken: int  #: by the links it has, at their greatest rates
    offset_ns: int  #: controller's clock − agent's, the likeliest
    bound_ns: int  #: of the offset's error; −1: the offset is not known
    clock_source: str  #: who says so, or why it is not known
    waiting: int  #: reports that the controller has not acknowledged
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agents:
    """The answer to `ListAgents`, by name."""

    agents: Table[AgentInfo]
    controller: str
    version: str  #: of plctl there
    #: What each agent said that had no effect: name → why → how often, since the controller began.
    refused: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submit:
    """Run this. Answered by `Submitted`, or by `Refused` with the reason; with `plan_only` nothing is touched."""

    request: RunRequest
    policy: PlacementPolicy = "spread"
    force: bool = False  #: also onto hosts that it asks too much of
    wait: bool = True  #: until hosts have room, if now they have not; else it is refused
    plan_only: bool = False
    command: tuple[str, ...] = ()  #: argv of the client, for run.json
    report: bool = True  #: draw report.html in the end


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where one link goes and what it needs there."""

    link: str
    host: str
    memory_bytes: int
    packets_per_s: int


@dataclass(frozen=True, slots=True)
class Submitted:
    """The run has begun or waits; or, with an empty `run`, it would be placed so."""

    run: str
    assignments: tuple[Assignment, ...]
    warnings: tuple[str, ...] = ()
    waits: str = ""  #: what it waits for, in words; empty: nothing


@dataclass(frozen=True, slots=True)
class ListRuns:
    """The newest runs, running or over. Answered by `Runs`."""

    limit: int = 50


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run in a list."""

    run: str
    name: str
    phase: str  #: as in the run's state machine; `done` once it is over
    submitted_by: str
    submitted_utc: str  #: RFC 3339
    links: int
    hosts: tuple[str, ...]
    verdict: str = ""  #: empty until it is over
    cause: str = ""  #: of the verdict; or what a run waits for
    labels: dict[str, str] = field(default_factory=dict)  #: those of its request
    retry_of: str = ""  #: the attempt before it; empty: it is the first
    retried_as: str = ""  #: the attempt after it, if there is one


@dataclass(frozen=True, slots=True)
class Runs:
    """The answer to `ListRuns`, newest first."""

    runs: tuple[RunInfo, ...]


@dataclass(frozen=True, slots=True)
class ReadRun:
    """How is this run, right now? Answered by `RunState`."""

    run: str


@dataclass(frozen=True, slots=True)
class LinkState:
    """One link right now: its state, and each direction in few numbers."""

    link: str
    host: str
    state: str  #: the last event of the link without its `link.`: ready, started, failed, …
    cause: str = ""
    up: tuple[int, ...] = ()  #: the values of `LIVE_COLUMNS`; empty until a sample came
    down: tuple[int, ...] = ()


#: What `LinkState.up` and `.down` hold, in this order: columns of a sample (see `plctl.common.telemetry.samples`).
#: Those in `LIVE_SUMS` are added up over all samples so far, so that whoever asks seldom misses nothing; the others are
#: the newest sample's.
LIVE_COLUMNS = (
    "t_ns", "interval_ns", "row", "rate_bps", "delay_ns", *COUNTERS, "queue_bytes", "in_flight_packets", "aqm_ppm",
    "lateness_p99_ns", "transit_p50_ns",
)  # fmt: skip
LIVE_SUMS = frozenset(COUNTERS)


@dataclass(frozen=True, slots=True)
class RunState:
    """The answer to `ReadRun`."""

    info: RunInfo
    duration_ns: int
    t0_ns: int  #: on the controller's monotonic clock; 0: not chosen yet
    now_ns: int  #: on the same clock
    links: tuple[LinkState, ...]
    waits: str = ""  #: what a run that goes on waits for, and how long; empty: nothing worth a word


@dataclass(frozen=True, slots=True)
class ListFiles:
    """What has this run left so far? Answered by `Files`."""

    run: str


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file of a run's folder."""

    path: str  #: relative, with `/`
    size: int


@dataclass(frozen=True, slots=True)
class Files:
    """The answer to `ListFiles`, in order."""

    files: tuple[FileInfo, ...]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A part of a file in a run's folder. Answered by `FilePart`."""

    run: str
    path: str
    offset: int = 0  #: negative: so many bytes before its end
    length: int = MAX_FILE_PART


@dataclass(frozen=True, slots=True)
class FilePart:
    """The answer to `ReadFile`: the bytes from `offset` on, at most `MAX_FILE_PART`; none at the file's end."""

    data: bytes
    offset: int
    size: int  #: of the whole file now
    over: bool  #: the run is over: the file will not grow


@dataclass(frozen=True, slots=True)
class Cancel:
    """End this run in good order. Answered by `Done` at once; the run then takes its time to end."""

    run: str
    cause: str


@dataclass(frozen=True, slots=True)
class ChangeLink:
    """Change a link of this run while it runs. Answered by `LinkChanged` once it is certain since when that holds."""

    run: str
    link: str
    change: LinkChange


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The answer to `ChangeLink`."""

    link: str
    applied: AppliedChange


@dataclass(frozen=True, slots=True)
class Clean:
    """Tell every agent to take away what it has of this run. Answered by `Done` once all that are there have."""

    run: str


@dataclass(frozen=True, slots=True)
class Done:
    """It was done; in words."""

    what: str = ""


ClientRequest = ListAgents | Submit | ListRuns | ReadRun | ListFiles | ReadFile | Cancel | Clean | ChangeLink
ClientAnswer = Agents | Submitted | Runs | RunState | Files | FilePart | LinkChanged | Done
