"""Decides what happens to a run: events in, instructions out, nothing touched. The session (session.py) does the rest.

    NEW → PREPARING → ARMING → COMMITTED → RUNNING → RELEASING → DONE

Each arrow is taken when every agent has answered. An agent that is alone and for which COMMIT came too late is armed
again. A failure or a cancellation before the start leads straight to RELEASING; a cancellation after it goes through
STOPPING, where the agents still report what happened until then.
No link starts unless every link is ready and every agent armed. A link's first cause is kept, later ones are not.
An agent that falls silent is lost before the start; once the run goes on it needs no controller, and is waited for.
Once the run goes on, one link's failure leaves the others alone, or ends the run, as `on_failure` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from plctl.common.base.units import format_duration, three_digits
from plctl.common.plan.failure_policy import OnFailure, Setback
from plctl.common.plan.run_plan import RunPlan
from plctl.common.protocol import messages as m
from plctl.controller.lifecycle.causes import too_wide
from plctl.controller.lifecycle.patience import (
    COMMIT_PART,
    LEAD_FACTOR_MOST,
    LEAD_NS,
    Patience,
    clock_exchanges,
    exchange_gap_ns,
)
from plctl.controller.lifecycle.run_events import (
    Answered,
    Begin,
    CancelRequested,
    Distrusted,
    Event,
    Forgotten,
    Instruction,
    Interrupted,
    LinkFailed,
    Lost,
    Note,
    Resumed,
    Returned,
    RunPhase,
    SendCommand,
    SetTimer,
    Silent,
    TimedOut,
    Unreached,
)


@dataclass(frozen=True, slots=True)
class LinkProgress:
    """What is known of one link so far."""

    host: str
    check: str = ""
    io: str = ""
    bound_before_ns: int = -1
    bound_after_ns: int = -1
    clock_source: str = ""
    planned_ns: int = 0
    started_ns: int = 0
    result: m.LinkResult | None = None
    cause: str = ""  #: the first reason why the link failed
    cancelled: bool = False


class RunMachine:
    """One run's state. `plans` has each host's share of the run; feed `handle` and carry out what it returns."""

    def __init__(
        self,
        plans: Mapping[str, RunPlan],
        lead: Callable[[], int] = lambda: LEAD_NS,
        patience: Patience | None = None,
        on_failure: OnFailure = "continue",
    ) -> None:
        """`lead` is asked when all agents are ready: how long before T0, in nanoseconds, are they to be armed?"""
        self.plans = dict(plans)
        self._lead = lead
        self.patience = patience or Patience()
        self.on_failure = on_failure
        self._ended_by_wish = False  #: somebody cancelled it
        self._setback: Setback = ""
        self._at_fault: set[str] = set()  #: hosts of which a link has failed by itself
        self.phase = RunPhase.NEW
        self.t0_ns = 0
        self.records = {link.name: LinkProgress(host) for host, plan in plans.items() for link in plan.links}
        self._unsure: dict[str, str] = {}  #: agents that T0 cannot be left to as it is armed now, and why
        self._arming_since_ns = 0
        self._lead_factor = 1  #: how many times as far ahead as usual T0 is to be, as agents were late before
        self._late = False  #: an agent was late for the T0 that is being armed
        self._commit_by_ns = 0  #: when the last agent must be armed for it
        self._start_by_ns = 0  #: after a second COMMIT: then; what the timer of the first says is too early
        self._awaited: set[str] = set()
        self.released: set[str] = set()
        self._lost: set[str] = set()
        self._silent: dict[str, int] = {}  #: until when each silent agent is waited for
        self._finished: set[str] = set()
        self._out: list[Instruction] = []
        self._now = 0

    def handle(self, event: Event, now_ns: int) -> list[Instruction]:
        """What is to be done because of `event`, which happened at `now_ns` (controller's monotonic clock)."""
        self._out = []
        self._now = now_ns
        kind = type(event.message) if isinstance(event, Answered) else type(event)
        if action := _TRANSITIONS.get((self.phase, kind)):
            action(self, event)
        return self._out

    @property
    def cause(self) -> str:
        """The first link's cause in the plan's order; empty if none failed."""
        return next((f"link {name}: {r.cause}" for name, r in self.records.items() if r.cause), "")

    @property
    def setback(self) -> Setback:
        """What kept the run from its end that another attempt need not meet; empty also if somebody cancelled it."""
        return "" if self._ended_by_wish else self._setback

    @property
    def setback_by(self) -> tuple[str, ...]:
        """The hosts that kept it from its end, in the plan's order; none where nobody did."""
        return tuple(host for host in self.plans if host in self._at_fault) if self.setback else ()

    # --- what each transition does

    def _begin(self, _: Begin) -> None:
        self._enter(RunPhase.PREPARING, self.patience.prepare_ns)
        exchanges, gap_ns = clock_exchanges(len(self.plans)), exchange_gap_ns(len(self.plans))
        for host, plan in self.plans.items():
            self._send(host, m.Prepare(plan, exchanges, gap_ns), self.patience.prepare_ns)

    def _prepared(self, event: Answered) -> None:
        assert isinstance(event.message, m.Prepared)
        for readiness in event.message.links:
            self._update(readiness.link, event.host, check=readiness.check, io=readiness.io)
            if readiness.cause:
                self._fail(event.host, [readiness.link], readiness.cause)
            else:
                self._note("link.ready", event.host, readiness.link, check=readiness.check)
        if self._answered(event.host):
            if self.cause:
                self._give_up()
            else:
                self._arm()

    def _arm(self) -> None:
        """Choose T0 and ask every agent how well it can keep it; also again, while there is patience for that."""
        lead = self._ahead_ns()
        self.t0_ns = self._now + lead
        self._commit_by_ns = self.t0_ns - max(lead, LEAD_NS) // COMMIT_PART
        self._late = False
        if self.phase is RunPhase.PREPARING:
            self._arming_since_ns = self._now
        if self.phase is not RunPhase.ARMING:
            self._enter(RunPhase.ARMING, self._arming_since_ns + self.patience.arm_ns - self._now)
        self._awaited = set(self._here())
        self._unsure.clear()
        for host in self._here():
            self._send(host, m.Arm(self.t0_ns), lead)

    def _ahead_ns(self) -> int:
        """How far ahead T0 is to be; after one that was too near, at least as far as for several agents."""
        return max(self._lead(), LEAD_NS if self._lead_factor > 1 else 0) * self._lead_factor

    def _armed(self, event: Answered) -> None:
        assert isinstance(event.message, m.Armed)
        bound, source, plan = event.message.bound_ns, event.message.source, self.plans[event.host]
        for link in plan.links:
            self._update(link.name, event.host, bound_before_ns=bound, clock_source=source)
        self._note("agent.armed", event.host, bound_ns=bound, source=source)
        settling = self._now < self._arming_since_ns + self.patience.settle_ns
        reserve = plan.budget.skew_ns // 2 if settling else 0  # for how late a forwarder may notice T0
        if bound + reserve > plan.budget.skew_ns:
            self._unsure[event.host] = too_wide(event.host, bound, reserve, plan.budget.skew_ns)
        elif self._now >= self._commit_by_ns:
            self._unsure[event.host] = f"{event.host} was armed too late for T0; ease the load on it and its network"
            self._late = True
        if self._answered(event.host):
            self._commit_if_sure()

    def _not_armed(self, event: Answered) -> None:
        assert isinstance(event.message, m.NotArmed)
        self._unsure[event.host] = event.message.cause
        self._late = True
        if self._answered(event.host):
            self._commit_if_sure()

    def _commit_if_sure(self) -> None:
        """A busy moment makes agents late, widens bounds, and passes: it ends no run before `arm_ns` is over."""
        if self._late:
            self._lead_factor = min(2 * self._lead_factor, LEAD_FACTOR_MOST)
        if not self._unsure:
            self._commit()
        elif self._now + self._ahead_ns() < self._arming_since_ns + self.patience.arm_ns:
            self._note("run.arming_again", cause=next(iter(self._unsure.values())))
            self._arm()
        else:
            for host, cause in self._unsure.items():
                self._fail(host, self._links_of(host), cause)
            self._give_up()

    def _commit(self) -> None:
        if self._lead_factor > 1:
            self._start_by_ns = self.t0_ns + self.patience.start_ns
        self._enter(RunPhase.COMMITTED, self.t0_ns - self._now + self.patience.start_ns)
        for host in self._here():
            self._send(host, m.Commit(self.t0_ns), self.t0_ns - self._now)

    def _started(self, event: Answered) -> None:
        assert isinstance(event.message, m.Started)
        for start in event.message.links:
            self._update(
                start.link,
                event.host,
                planned_ns=start.planned_ns,
                started_ns=start.started_ns,
                bound_after_ns=event.message.bound_ns,
            )
            self._note_start(event.host, start)
        if self._answered(event.host):
            self._run()

    def _note_start(self, host: str, start: m.LinkStart) -> None:
        """A link is open when it waits for traffic; one that should not, and has no start, did not start at all."""
        if start.started_ns:
            facts = {"planned_ns": start.planned_ns, "late_ns": start.started_ns - start.planned_ns}
            self._note("link.started", host, start.link, **facts)
        else:
            waits = any(link.name == start.link and link.start != "at-t0" for link in self.plans[host].links)
            self._note("link.open" if waits else "link.not_started", host, start.link, planned_ns=start.planned_ns)

    def _run(self) -> None:
        self._enter(RunPhase.RUNNING)
        self._awaited -= self._finished
        if not self._awaited:
            self._release()

    def _handle_finished(self, event: Answered) -> None:
        assert isinstance(event.message, m.Finished)
        for result in event.message.links:
            self._update(result.link, event.host, result=result)
            self._note("link.finished", event.host, result.link)
            if result.cause:
                self._fail(event.host, [result.link], result.cause)
        self._finished.add(event.host)
        if self.phase is not RunPhase.COMMITTED and self._answered(event.host):
            self._release()
        else:
            self._heed_failure(event.host)

    def _released(self, event: Answered) -> None:
        self._note("agent.released", event.host)
        self.released.add(event.host)
        if self._answered(event.host):
            self._enter(RunPhase.DONE)

    def _refused(self, event: Answered) -> None:
        assert isinstance(event.message, m.Refused)
        self._fail(event.host, self._links_of(event.host), event.message.cause)
        self._give_up()

    def _not_committed(self, event: Answered) -> None:
        """Where there is no other agent, nothing has started anywhere."""
        assert isinstance(event.message, m.Refused)
        if len(self.plans) > 1:
            self._refused(event)
            return
        self._unsure[event.host] = event.message.cause
        self._late = True
        self._commit_if_sure()

    def _not_released(self, event: Answered) -> None:
        """Something of the run is left on the host; the run is over all the same."""
        assert isinstance(event.message, m.Refused)
        self._note("agent.not_released", event.host, cause=event.message.cause)
        self._fail(event.host, self._links_of(event.host), f"not taken away: {event.message.cause}")
        if self._answered(event.host):
            self._enter(RunPhase.DONE)

    def _cancel_early(self, event: CancelRequested) -> None:
        self._heed_wish(event)
        self._mark_cancelled(event.cause)
        self._release()

    def _cancel_running(self, event: CancelRequested) -> None:
        self._heed_wish(event)
        self._stop(event.cause)

    def _heed_wish(self, event: CancelRequested) -> None:
        self._ended_by_wish = not event.disk
        for host in self.plans if event.disk else ():
            self._fail(host, self._links_of(host), event.cause)

    def _stop(self, cause: str) -> None:
        """End what has started; the agents still report what happened until now."""
        self._mark_cancelled(cause)
        self._enter(RunPhase.STOPPING, self.patience.stop_ns)
        self._awaited -= self._finished
        for host in sorted(self._awaited):
            self._send(host, m.Stop(cause), self.patience.stop_ns)
        if not self._awaited:
            self._release()

    def _heed_failure(self, host: str) -> None:
        """Once the run goes on, a failed link of `host` may be the end of the others, too."""
        failed = next((name for name in self._links_of(host) if self.records[name].cause), None)
        if failed and self.on_failure == "cancel" and self.phase is RunPhase.RUNNING:
            self._stop(f"link {failed} has failed, and the run asks for on_failure: cancel")

    def _link_failed(self, event: LinkFailed) -> None:
        if self.on_failure == "cancel" and event.link in self._links_of(event.host):
            self._stop(f"link {event.link} has failed ({event.cause}), and the run asks for on_failure: cancel")

    def _lost_host(self, event: Lost | Silent | Unreached) -> None:
        """An agent that goes takes its links with it; those of other hosts run on once they have started."""
        if self.phase in (RunPhase.RUNNING, RunPhase.STOPPING) and event.host not in self._finished:
            self._setback = "agent lost"
        after_ns = self._now - self.t0_ns if self.t0_ns else -1
        when = f" {format_duration(three_digits(after_ns))} after T0" if after_ns >= 0 else ""
        self._leave_out(event.host, f"agent lost{when}: {event.cause}")

    def _distrust(self, event: Distrusted | Forgotten) -> None:
        if isinstance(event, Distrusted):
            self._note("agent.distrusted", event.host, cause=event.cause)
        self._leave_out(event.host, event.cause)

    def _leave_out(self, host: str, cause: str) -> None:
        """Go on, if at all, without `host`, whose links have failed."""
        self._lost.add(host)
        self._silent.pop(host, None)
        self._fail(host, self._links_of(host), cause)
        if self.phase in (RunPhase.PREPARING, RunPhase.ARMING, RunPhase.COMMITTED):
            self._give_up()
        elif self._answered(host):
            if self.phase is RunPhase.RELEASING:
                self._enter(RunPhase.DONE)
            else:
                self._release()
        else:
            self._heed_failure(host)

    def _fall_silent(self, event: Silent) -> None:
        """The agent has all it needs for the run; its results are due a while after the planned end."""
        if event.host in self._awaited:
            duration_ns = self.plans[event.host].duration_ns
            planned_end_ns = max(self._now, self.t0_ns + duration_ns)
            until_ns = self._silent[event.host] = planned_end_ns + self.patience.return_ns
            self._note("agent.silent", event.host, cause=event.cause, until_ns=until_ns)
            self._out.append(SetTimer(self.phase, until_ns, event.host))

    def _return(self, event: Returned) -> None:
        if self._silent.pop(event.host, None):
            self._note("agent.returned", event.host)

    def _interrupt(self, event: Resumed | Interrupted) -> None:
        early = self.phase in (RunPhase.NEW, *_BEFORE_START)
        self._setback = "not started" if early else "interrupted"
        for host in self.plans:
            self._fail(host, self._links_of(host), f"{event.cause} while the run was {self.phase}")
        self._at_fault.clear()  # it was the controller
        self._release()

    def _resume(self, event: Resumed | Interrupted) -> None:
        """Wait again for those that were waited for; the session says again what it told them."""
        self._note("run.resumed", cause=event.cause)
        if self.phase is RunPhase.RUNNING:
            for host in sorted(self._awaited - self._silent.keys()):
                self._fall_silent(Silent(host, event.cause))
            for host, until_ns in self._silent.items():
                self._out.append(SetTimer(self.phase, until_ns, host))
        else:
            within_ns = {RunPhase.COMMITTED: self.patience.start_ns, RunPhase.STOPPING: self.patience.stop_ns}
            patience_ns = within_ns.get(self.phase, self.patience.release_ns) + self.patience.rejoin_ns
            since_ns = max(self._now, self.t0_ns) if self.phase is RunPhase.COMMITTED else self._now
            self._out.append(SetTimer(self.phase, since_ns + patience_ns))

    def _timed_out(self, event: TimedOut) -> None:
        """Whoever is silent is lost; before the start it may still obey RELEASE, and what it holds is to go."""
        if event.phase != self.phase or (event.phase is RunPhase.COMMITTED and self._now < self._start_by_ns):
            return
        if event.host:
            if self._silent.get(event.host, self._now + 1) <= self._now:
                patience = format_duration(self.patience.return_ns)
                self._lost_host(Lost(event.host, f"{event.host} fell silent and was waited for in vain ({patience})"))
            return
        silent = [(host, f"{host} did not answer in time while the run was {event.phase}") for host in self._awaited]
        if event.phase in _BEFORE_START:
            for host, cause in sorted(silent):
                self._fail(host, self._links_of(host), cause)
            self._give_up()
        else:
            for host, cause in sorted(silent):
                self._lost_host(Lost(host, cause))

    # --- shared steps

    def _enter(self, phase: RunPhase, patience_ns: int = 0) -> None:
        self.phase = phase
        self._awaited = set(self._here()) if phase is not RunPhase.DONE else set()
        self._note("run." + phase, t0_ns=self.t0_ns) if self.t0_ns else self._note("run." + phase)
        if patience_ns:
            self._out.append(SetTimer(phase, self._now + patience_ns))

    def _give_up(self) -> None:
        """Before the start: one link that cannot start means that none does."""
        self._setback = "not started"
        first = self.cause
        for name, record in self.records.items():
            if not record.cause:
                self._update(name, record.host, cause=f"not started, because of {first}")
        self._release()

    def _release(self) -> None:
        self._enter(RunPhase.RELEASING, self.patience.release_ns)
        for host in self._here():
            self._send(host, m.Release())
        if not self._awaited:
            self._enter(RunPhase.DONE)

    def _answered(self, host: str) -> bool:
        """Strike `host` off the list of those that are awaited; was it the last?"""
        self._awaited.discard(host)
        return not self._awaited

    def _here(self) -> list[str]:
        return [host for host in self.plans if host not in self._lost]

    def _mark_cancelled(self, cause: str) -> None:
        self._note("run.cancelled", cause=cause)
        for name, record in self.records.items():
            if not record.cause:
                self._update(name, record.host, cancelled=True)

    def _links_of(self, host: str) -> list[str]:
        return [link.name for link in self.plans[host].links]

    def _fail(self, host: str, links: Iterable[str], cause: str) -> None:
        self._at_fault.add(host)
        for link in links:
            record = self.records.get(link)
            if record and record.host == host and not record.cause:
                self.records[link] = replace(record, cause=cause)
                self._note("link.failed", host, link, cause=cause)

    def _update(self, link: str, host: str, **facts: Any) -> None:
        """An agent may speak only of links that are its own."""
        record = self.records.get(link)
        if record and record.host == host:
            self.records[link] = replace(record, **facts)

    def _send(self, host: str, message: m.Prepare | m.Arm | m.Commit | m.Stop | m.Release, within_ns: int = 0) -> None:
        self._out.append(SendCommand(host, message, self._now + within_ns if within_ns else 0))

    def _note(self, event: str, host: str = "", link: str = "", **facts: Any) -> None:
        self._out.append(Note(event, host, link, facts))


_P = RunPhase
_BEFORE_START = (_P.PREPARING, _P.ARMING, _P.COMMITTED)
_ALIVE = (*_BEFORE_START, _P.RUNNING, _P.STOPPING, _P.RELEASING)

#: (phase, what happened) → what is done about it. What is not here is too late to matter and changes nothing.
_TRANSITIONS: dict[tuple[RunPhase, type[Any]], Callable[[RunMachine, Any], None]] = {
    (_P.NEW, Begin): RunMachine._begin,
    (_P.NEW, CancelRequested): RunMachine._cancel_early,
    (_P.PREPARING, m.Prepared): RunMachine._prepared,
    (_P.ARMING, m.Armed): RunMachine._armed,
    (_P.ARMING, m.NotArmed): RunMachine._not_armed,
    (_P.COMMITTED, m.Started): RunMachine._started,
    **{(phase, m.Finished): RunMachine._handle_finished for phase in (_P.COMMITTED, _P.RUNNING, _P.STOPPING)},
    (_P.RELEASING, m.Released): RunMachine._released,
    (_P.RELEASING, m.Refused): RunMachine._not_released,
    (_P.PREPARING, CancelRequested): RunMachine._cancel_early,
    (_P.ARMING, CancelRequested): RunMachine._cancel_early,
    (_P.COMMITTED, CancelRequested): RunMachine._cancel_running,
    (_P.RUNNING, CancelRequested): RunMachine._cancel_running,
    **{(phase, m.Refused): RunMachine._refused for phase in (_P.PREPARING, _P.ARMING)},
    (_P.COMMITTED, m.Refused): RunMachine._not_committed,
    **{(phase, Lost): RunMachine._lost_host for phase in _ALIVE},
    **{(phase, Distrusted): RunMachine._distrust for phase in _ALIVE},
    # Once the run is released, all that there is of it has been taken.
    **{(phase, Forgotten): RunMachine._distrust for phase in _ALIVE if phase is not _P.RELEASING},
    (_P.RUNNING, LinkFailed): RunMachine._link_failed,
    **{(phase, Silent): RunMachine._lost_host for phase in (*_BEFORE_START, _P.RELEASING)},
    (_P.RUNNING, Silent): RunMachine._fall_silent,
    **{(phase, Resumed): RunMachine._interrupt for phase in (_P.NEW, _P.PREPARING, _P.ARMING)},
    **{(phase, Resumed): RunMachine._resume for phase in (_P.COMMITTED, _P.RUNNING, _P.STOPPING, _P.RELEASING)},
    **{(phase, Interrupted): RunMachine._interrupt for phase in (_P.NEW, *_ALIVE) if phase is not _P.RELEASING},
    (_P.RELEASING, Interrupted): RunMachine._resume,
    (_P.RUNNING, Returned): RunMachine._return,
    **{(phase, Unreached): RunMachine._lost_host for phase in _BEFORE_START},
    **{(phase, TimedOut): RunMachine._timed_out for phase in _ALIVE},
}
