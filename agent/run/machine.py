"""Decides what an agent does for one run: events in, instructions out, nothing touched. shell.py does the rest.

    PREPARING → READY → ARMED → COMMITTED → RUNNING → STOPPING → FINISHED → RELEASING → RELEASED

RELEASE is obeyed in every phase. Once committed, a run needs no further message: it ends by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from plctl.agent.service.clock_keeper import Instant
from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_duration
from plctl.common.plan.run_plan import LinkPlan, decisive_workloads
from plctl.common.protocol import messages as m

#: COMMIT must come this long before T0, so that the forwarder is armed when T0 comes.
COMMIT_MARGIN_NS = 2 * NS_PER_MS
#: After so long what could not be taken away is tried again.
AGAIN_NS = 5 * NS_PER_S
#: So long a server may go on by itself after its clients, and so often is looked whether it only waits for others.
LOOK_NS = 1 * NS_PER_S


class AgentPhase(StrEnum):
    """Where the agent is with the run."""

    PREPARING = "preparing"
    READY = "ready"
    ARMED = "armed"
    COMMITTED = "committed"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    RELEASING = "releasing"
    RELEASED = "released"


# --- events ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Commanded:
    """The controller wants something of this run; `id` is quoted in the answer."""

    id: int
    message: m.Arm | m.Commit | m.ApplyChange | m.Stop | m.Release


@dataclass(frozen=True, slots=True)
class AgentLeaves:
    """The agent takes the run away without being told by the controller; `cause` is for what it still asks."""

    cause: str


@dataclass(frozen=True, slots=True)
class LinkPrepared:
    """A link is built, checked and its early workloads are ready; or not, if there is a `cause`."""

    link: str
    cause: str = ""
    check: str = ""
    io: str = ""


@dataclass(frozen=True, slots=True)
class ClockRead:
    """The controller's clock is known as well as `ReadClock` can make it."""


@dataclass(frozen=True, slots=True)
class Began:
    """T0 has passed and every link's forwarder has acted on it; the clock's bound is now `bound_ns`."""

    starts: tuple[m.LinkStart, ...]
    bound_ns: int


@dataclass(frozen=True, slots=True)
class WorkloadEnded:
    """A workload's process is gone."""

    link: str
    workload: str


@dataclass(frozen=True, slots=True)
class Looked:
    """These (link, workload) pairs that still run do nothing but wait for clients."""

    servers: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TimeOver:
    """The run's duration has passed, or it is time to try again to take it away."""


@dataclass(frozen=True, slots=True)
class Broke:
    """Something that all links depend on is gone (the forwarder)."""

    cause: str


@dataclass(frozen=True, slots=True)
class Rested:
    """Every workload has ended and everything was reported."""

    finished: m.Finished


@dataclass(frozen=True, slots=True)
class NotSent:
    """What was to be reported cannot be sent."""

    cause: str


@dataclass(frozen=True, slots=True)
class TornDown:
    """Nothing of the run is left; or something resists, for this cause."""

    cause: str = ""


Event = (
    Commanded
    | AgentLeaves
    | LinkPrepared
    | ClockRead
    | Began
    | WorkloadEnded
    | Looked
    | TimeOver
    | Broke
    | Rested
    | NotSent
    | TornDown
)

# --- instructions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrepareLink:
    """Build the link, check it, start its early workloads, put its timed ones at the gate; then `LinkPrepared`."""

    link: LinkPlan


@dataclass(frozen=True, slots=True)
class ReadClock:
    """Exchange up to so many readings of clocks with the controller, about `gap_ns` apart, then `ClockRead`."""

    exchanges: int
    gap_ns: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer command `to`."""

    to: int
    message: m.Prepared | m.Armed | m.NotArmed | m.Started | m.Released | m.Refused


@dataclass(frozen=True, slots=True)
class StartLinks:
    """Arm the forwarder and open the gates for T0, then `Began`."""

    t0_ns: int


@dataclass(frozen=True, slots=True)
class ChangeRunningLink:
    """Change a link while it runs, and answer command `to` with what became of that."""

    to: int
    wanted: m.ApplyChange


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Come back with `TimeOver` at `at_ns`."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class LookForServers:
    """See at `at_ns` which of these (link, workload) pairs do nothing but wait for clients, then `Looked`."""

    at_ns: int
    workloads: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Rest:
    """End what still runs, report everything, then `Rested`. `cause` is why links failed, if they did."""

    cause: str


@dataclass(frozen=True, slots=True)
class SendReport:
    """Put `finished` at the end of the run's numbered stream."""

    finished: m.Finished


@dataclass(frozen=True, slots=True)
class TearDown:
    """Stop whatever is under way and remove everything of the run, then `TornDown`."""


Instruction = (
    ReadClock | Reply | StartLinks | ChangeRunningLink | WakeAt | LookForServers | Rest | SendReport | TearDown
)


class AgentRunMachine:
    """One run on one agent. It begins with PREPARE (command `prepare_id`); feed `handle`, carry out what it returns."""

    def __init__(self, prepare: m.Prepare, prepare_id: int) -> None:
        self.plan = prepare.plan
        self._read_clock = ReadClock(prepare.exchanges, prepare.exchange_gap_ns)
        self.phase = AgentPhase.PREPARING
        self.t0_ns = 0  #: on this host's clock
        self._controller_t0_ns = 0
        self._reply_to = prepare_id
        self._left = False  #: something of the run resisted to be taken away
        self._will_try = False  #: a timer for another try is set
        self._leaves = ""  #: why the agent took the run away by itself
        self._readiness: dict[str, m.LinkReadiness] = {}
        self._running = decisive_workloads(prepare.plan.links)
        self._served: set[str] = set()  #: links of which a client has ended
        self._ends = {(link.name, w.name): w.at for link in prepare.plan.links for w in link.workloads}
        self._looking = False
        self._shortened = False  #: its results could not be sent, and a cause was sent in their place
        self._out: list[Instruction] = []
        self._now = 0

    @property
    def over(self) -> bool:
        """Whether nothing of the run is left."""
        return self.phase is AgentPhase.RELEASED and not self._left

    def begin(self) -> list[PrepareLink]:
        """The first instructions."""
        return [PrepareLink(link) for link in self.plan.links]

    def handle(self, event: Event, now_ns: int) -> list[Instruction]:
        """What is to be done because of `event` at `now_ns` (CLOCK_MONOTONIC of this host)."""
        self._out = []
        self._now = now_ns
        kind = type(event.message) if isinstance(event, Commanded) else type(event)
        if action := _TRANSITIONS.get((self.phase, kind)):
            action(self, event)
        elif isinstance(event, Commanded):
            why = f"run {self.plan.run} is {self.phase}: too late or too early for {kind.__name__}"
            self._refuse(event.id, self._leaves or why)
        return self._out

    def arm(self, event: Commanded, t0: Instant | None, source: str, now_ns: int) -> list[Instruction]:
        """Answer ARM, which needs what only the shell knows: T0 on this host's clock, or why it is not known.

        The last ARM counts: the controller may choose another T0 while not every agent can keep the one before.
        """
        assert isinstance(event.message, m.Arm)
        self._out = []
        if self.phase not in (AgentPhase.READY, AgentPhase.ARMED):
            why = self._leaves or f"run {self.plan.run} is {self.phase}, not ready"
            self._refuse(event.id, f"cannot arm: {why}")
        elif t0 is None:
            self._out.append(Reply(event.id, m.NotArmed(f"cannot arm: {source}")))
        elif t0.at_ns <= now_ns + COMMIT_MARGIN_NS:
            cause = f"ARM came too late: T0 was {_ago(now_ns - t0.at_ns)}; ease the load on this host and its network"
            self._out.append(Reply(event.id, m.NotArmed(cause)))
        else:
            self.phase = AgentPhase.ARMED
            self.t0_ns, self._controller_t0_ns = t0.at_ns, event.message.t0_ns
            self._out.append(Reply(event.id, m.Armed(t0.bound_ns, t0.source)))
        return self._out

    # --- what each transition does

    def _link_prepared(self, event: LinkPrepared) -> None:
        """Clocks are read last, when nothing else keeps this host busy, and not for a run that cannot start."""
        self._readiness[event.link] = m.LinkReadiness(event.link, event.cause, event.check, event.io)
        if len(self._readiness) < len(self.plan.links):
            return
        if any(readiness.cause for readiness in self._readiness.values()):
            self._answer()
        else:
            self._out.append(self._read_clock)

    def _clock_was_read(self, _: ClockRead) -> None:
        if len(self._readiness) == len(self.plan.links):
            self._answer()

    def _answer(self) -> None:
        self.phase = AgentPhase.READY
        self._out.append(Reply(self._reply_to, m.Prepared(tuple(self._readiness.values()))))

    def _commit(self, event: Commanded) -> None:
        assert isinstance(event.message, m.Commit)
        if event.message.t0_ns != self._controller_t0_ns:
            asked, armed = event.message.t0_ns, self._controller_t0_ns
            self._refuse(event.id, f"COMMIT is for another T0 ({asked}) than ARM was ({armed})")
        elif self._now + COMMIT_MARGIN_NS > self.t0_ns:
            self._refuse(event.id, f"COMMIT came too late: T0 was {_ago(self._now - self.t0_ns)}")
        else:
            self.phase = AgentPhase.COMMITTED
            self._reply_to = event.id
            self._out.append(StartLinks(self.t0_ns))

    def _began(self, event: Began) -> None:
        self.phase = AgentPhase.RUNNING
        self._out.append(Reply(self._reply_to, m.Started(event.starts, event.bound_ns)))
        if self.plan.duration_ns:
            self._out.append(WakeAt(self.t0_ns + self.plan.duration_ns))
        else:
            self._end_if_through()

    def _workload_ended(self, event: WorkloadEnded) -> None:
        pair = (event.link, event.workload)
        if pair in self._running and self._ends[pair] == "client":
            self._served.add(event.link)
        self._running.discard(pair)
        if self.phase is AgentPhase.RUNNING and not self.plan.duration_ns:
            self._end_if_through()

    def _end_if_through(self) -> None:
        """The run is over when its workloads are; a server whose clients are done and that only waits for more is."""
        if not self._running:
            self._rest("")
        elif not self._looking and (left := self._left_alone()):
            self._looking = True
            self._out.append(LookForServers(self._now + LOOK_NS, left))

    def _left_alone(self) -> frozenset[tuple[str, str]]:
        """What runs at the servers of links whose clients have all ended."""
        busy = {link for link, workload in self._running if self._ends[link, workload] == "client"}
        return frozenset(pair for pair in self._running if pair[0] in self._served - busy)

    def _looked(self, event: Looked) -> None:
        self._looking = False
        self._running -= event.servers & self._left_alone()
        self._end_if_through()

    def _change(self, event: Commanded) -> None:
        assert isinstance(event.message, m.ApplyChange)
        self._out.append(ChangeRunningLink(event.id, event.message))

    def _time_over(self, _: TimeOver) -> None:
        self._rest("")

    def _stop(self, _: Commanded) -> None:
        self._rest("")

    def _stop_before_commit(self, _: Commanded) -> None:
        """Who cancels right after the last ARMED overtakes COMMIT: nothing has begun that could be reported."""
        self._rested(Rested(m.Finished(())))

    def _broke(self, event: Broke) -> None:
        if self.phase is AgentPhase.PREPARING:
            for link in self.plan.links:
                if link.name not in self._readiness or not self._readiness[link.name].cause:
                    self._readiness[link.name] = m.LinkReadiness(link.name, event.cause)
            self._answer()
        else:
            self._rest(event.cause)

    def _broke_at_rest(self, _: Broke) -> None:
        """What should have been reported cannot be; that, too, is an answer."""
        self._rested(Rested(m.Finished(())))

    def _not_sent(self, event: NotSent) -> None:
        """Then the cause of that is, and if need be nothing: the controller waits for an end."""
        if self._shortened:
            self._out.append(SendReport(m.Finished(())))
            return
        self._shortened = True
        cause = f"its results were not sent: {event.cause}"
        nothing = m.DirectionResult()
        links = tuple(m.LinkResult(link.name, nothing, nothing, cause=cause) for link in self.plan.links)
        self._out.append(SendReport(m.Finished(links)))

    def _rest(self, cause: str) -> None:
        self.phase = AgentPhase.STOPPING
        self._out.append(Rest(cause))

    def _rested(self, event: Rested) -> None:
        self.phase = AgentPhase.FINISHED
        self._out.append(SendReport(event.finished))

    def _release(self, event: Commanded) -> None:
        self.phase = AgentPhase.RELEASING
        self._reply_to = event.id
        self._out.append(TearDown())

    def _agent_leaves(self, event: AgentLeaves) -> None:
        """Nobody is answered: the controller hears that the agent left once it has."""
        self._leaves = event.cause
        self.phase = AgentPhase.RELEASING
        self._reply_to = 0
        self._out.append(TearDown())

    def _torn_down(self, event: TornDown) -> None:
        self.phase = AgentPhase.RELEASED
        if event.cause and not self._will_try:
            self._will_try = True
            self._out.append(WakeAt(self._now + AGAIN_NS))
        if not (self._left and event.cause):  # why not was said
            self._out.append(Reply(self._reply_to, m.Refused(event.cause) if event.cause else m.Released()))
        self._left = bool(event.cause)

    def _try_again(self, _: TimeOver) -> None:
        """A disk that was full, or a process that was stuck, need not be so for ever; who asked is told then."""
        self._will_try = False
        if self._left and self.phase is AgentPhase.RELEASED:
            self.phase = AgentPhase.RELEASING
            self._out.append(TearDown())

    def _release_meanwhile(self, event: Commanded) -> None:
        """The answer to what goes on by itself is the answer to this, too; else one command is enough."""
        if self._left:
            self._left, self._reply_to = False, event.id
        else:
            self._refuse(event.id, self._leaves or f"run {self.plan.run} is being released already")

    def _release_again(self, event: Commanded) -> None:
        if self._left:
            self._left = False  # this one is answered, too
            self._release(event)
        else:
            self._out.append(Reply(event.id, m.Released()))

    def _refuse(self, command: int, cause: str) -> None:
        self._out.append(Reply(command, m.Refused(cause)))


def _ago(ns: int) -> str:
    return f"{format_duration(ns)} ago" if ns >= 0 else f"only {format_duration(-ns)} ahead"


_P = AgentPhase
_STARTED = (_P.COMMITTED, _P.RUNNING)
_THERE = tuple(phase for phase in AgentPhase if phase not in (_P.RELEASING, _P.RELEASED))
_NOT_OVER = (_P.PREPARING, _P.READY, _P.ARMED, *_STARTED)

#: (phase, what happened) → what is done about it. A command that is not here is refused, anything else ignored.
_TRANSITIONS: dict[tuple[AgentPhase, type[Any]], Callable[[AgentRunMachine, Any], None]] = {
    (_P.PREPARING, LinkPrepared): AgentRunMachine._link_prepared,
    (_P.PREPARING, ClockRead): AgentRunMachine._clock_was_read,
    (_P.ARMED, m.Commit): AgentRunMachine._commit,
    (_P.COMMITTED, Began): AgentRunMachine._began,
    (_P.RUNNING, m.ApplyChange): AgentRunMachine._change,
    (_P.RUNNING, TimeOver): AgentRunMachine._time_over,
    (_P.RUNNING, Looked): AgentRunMachine._looked,
    (_P.STOPPING, Rested): AgentRunMachine._rested,
    (_P.STOPPING, Broke): AgentRunMachine._broke_at_rest,
    (_P.FINISHED, NotSent): AgentRunMachine._not_sent,
    (_P.RELEASING, TornDown): AgentRunMachine._torn_down,
    (_P.RELEASED, m.Release): AgentRunMachine._release_again,
    **{(phase, TimeOver): AgentRunMachine._try_again for phase in (_P.RELEASING, _P.RELEASED)},
    (_P.RELEASING, m.Release): AgentRunMachine._release_meanwhile,
    **{
        (phase, WorkloadEnded): AgentRunMachine._workload_ended
        for phase in (_P.PREPARING, _P.READY, _P.ARMED, *_STARTED)
    },
    (_P.ARMED, m.Stop): AgentRunMachine._stop_before_commit,
    **{(phase, m.Stop): AgentRunMachine._stop for phase in _STARTED},
    **{(phase, Broke): AgentRunMachine._broke for phase in (_P.PREPARING, *_STARTED)},
    **{(phase, m.Release): AgentRunMachine._release for phase in _THERE},
    **{(phase, AgentLeaves): AgentRunMachine._agent_leaves for phase in _THERE},
}
