"""Says what of a played plan is not as it must be. Pure: it judges evidence, and touches nothing.

- Every run that was accepted is over, in a named state; what is not `ok` has a cause, and a fault met it that may cause
  that. A fault that breaks links breaks the `ok` of those that it met while they ran.
- `ok` is true: its witnesses went through the whole scenario, each datagram took as long as the scenario says, and the
  judge of `tests/truth` finds the fate of no frame wrong.
- T0 is where the record says, on every host, within the bound that it states; nobody began before it.
- Telemetry has no gap that nobody tells of.
- Nothing of a cancelled run goes on, nothing of any run is left, nothing outside is touched.
- No daemon ends by itself or prints a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chaos.cluster import CONTROLLER
from chaos.evidence import Done, Evidence, RunSeen
from chaos.faults.fault import NONE
from chaos.judged import unjust
from chaos.telemetry import gaps
from chaos.truths import untrue

#: How long after its end a fault may still be felt: a lost agent counts as gone after 10 s of silence.
AFTER_S = 14.0
#: So many things that are left are told one by one.
_LEFT_MOST = 6
#: What goes on after a cancelled run was said to be over.
_GRACE_NS = 500 * 10**6


def objections(evidence: Evidence) -> list[str]:
    """All of them, in words; none if everything is as it must be."""
    found = list(evidence.complaints)
    for seen in evidence.runs:
        found += [f"{seen.planned.name} ({seen.run or 'never accepted'}): {what}" for what in _of_run(evidence, seen)]
    found += [f"left behind: {what}" for what in evidence.left[:_LEFT_MOST]]
    if (more := len(evidence.left) - _LEFT_MOST) > 0:
        found.append(f"left behind: {more} things more")
    for host, log in evidence.logs.items():
        found += [f"{host} printed a traceback: {what}" for what in tracebacks(log)]
    found += list(_of_daemons(evidence))
    return found


def meeting(evidence: Evidence, seen: RunSeen) -> list[Done]:
    """The faults that a run may have felt."""
    over_ns = seen.done_ns or 1 << 62
    return [
        done
        for done in evidence.faults
        if done.from_ns
        and done.fault.meets(seen.run, seen.planned.hosts)
        and done.from_ns < over_ns
        and (done.until_ns or over_ns) + AFTER_S * 1e9 > seen.asked_ns
    ]


def tracebacks(log: str) -> list[str]:
    """The last line of each."""
    return [
        next((line for line in part.splitlines()[1:] if line and not line.startswith((" ", "{"))), "")[:300]
        for part in log.split("Traceback (most recent call last):")[1:]
    ]


def _of_run(evidence: Evidence, seen: RunSeen) -> Iterator[str]:
    if not seen.run:
        if seen.refused and not meeting(evidence, seen):
            yield f"refused, although nothing met it: {seen.refused}"
        return
    forgotten = any(done.fault.spoils_journal and done.from_ns for done in evidence.faults)
    if not seen.record:
        if not forgotten and not _was_meant(evidence, seen):
            yield "there is no run.json that can be read"
        return
    yield from _of_verdict(evidence, seen)
    for event in seen.events:
        if event.get("event") == "agent.bug":
            yield f"a bug on {event.get('host')}: {event.get('cause')}"
    if seen.bad_lines:
        yield f"events.jsonl has {seen.bad_lines} lines that are no JSON"
    yield from untrue(evidence, seen)
    yield from unjust(evidence, seen)
    yield from _of_cancelling(evidence, seen)
    if seen.record.get("verdict") and not _was_meant(evidence, seen):
        yield from gaps(seen)


def _of_verdict(evidence: Evidence, seen: RunSeen) -> Iterator[str]:
    verdict, cause = seen.record.get("verdict", ""), seen.record.get("cause", "")
    if seen.is_forgotten:
        return
    if not verdict:
        told = seen.listed.get("verdict") == "failed" and seen.listed.get("cause")
        if seen.done_ns and not (told and _was_meant(evidence, seen)):
            said = seen.listed.get("cause") or "nothing"
            yield f"it is over, and run.json has no verdict; the controller says {said}"
        return
    if seen.done_ns and seen.listed.get("verdict") != verdict:
        yield f"run.json says {verdict}, the controller {seen.listed.get('verdict')}"
    if verdict != "ok" and not cause:
        yield f"{verdict} without a cause"
    if verdict == "cancelled":
        if not seen.cancel_order:
            yield "cancelled, although nobody asked for it"
        return
    if verdict != "ok" and verdict not in _may_be(evidence, seen):
        met = ", ".join(str(done) for done in meeting(evidence, seen)) or "nothing"
        yield f"{verdict} ({cause}), although what met it cannot cause that: {met}"
    if verdict == "ok" and (broke := [done for done in meeting(evidence, seen) if _breaks(evidence, seen, done)]):
        yield f"ok, although {broke[0]} met it while it ran"


def _was_meant(evidence: Evidence, seen: RunSeen) -> bool:
    """Whether somebody deleted something of this very run."""
    return any(done.from_ns and done.fault.run == seen.run for done in evidence.faults)


def _may_be(evidence: Evidence, seen: RunSeen) -> frozenset[str]:
    """What may have become of it."""
    t0_ns = evidence.real_t0_ns(seen)
    found = NONE
    for done in meeting(evidence, seen):
        if not t0_ns or done.from_ns < t0_ns:
            found |= done.fault.before_t0
        found |= done.fault.running
    return found


def _breaks(evidence: Evidence, seen: RunSeen, done: Done) -> bool:
    t0_ns = evidence.real_t0_ns(seen)
    if not done.fault.breaks or not t0_ns or not seen.planned.has_duration:
        return False
    return t0_ns < done.from_ns < t0_ns + (seen.planned.seconds - 0.1) * 1e9


def _of_cancelling(evidence: Evidence, seen: RunSeen) -> Iterator[str]:
    if not seen.cancel_said or not seen.done_ns:
        return
    if seen.record.get("verdict") == "ok" and "is being ended" in seen.cancel_said and not meeting(evidence, seen):
        yield "ok, although the controller had said that it ends it"
    if meeting(evidence, seen):
        return  # a host that cannot be reached goes on until it can
    for link, book in seen.books.items():
        host = next(each.host for each in seen.planned.links if each.name == link)
        last_ns = max((after for _, after in book.sent.values()), default=0) - evidence.offsets_ns[host]
        if book.sent and last_ns > seen.done_ns + _GRACE_NS:
            yield f"{link} still sent {(last_ns - seen.done_ns) / 1e9:.2f} s after the cancelled run was over"


def _of_daemons(evidence: Evidence) -> Iterator[str]:
    for host, ends in evidence.ends.items():
        for at_ns, status in ends:
            if not _may_end(evidence, host, at_ns):
                when, said = f"{evidence.since(at_ns):.2f} s", _last(evidence, host)
                yield f"{_daemon(host)} ended by itself at {when} with status {status}: {said}"
    for host, leavings in evidence.leavings.items():
        for at_ns, how in leavings:
            if not _may_end(evidence, host, at_ns):
                yield f"{_daemon(host)} was told to leave and {how}: {_last(evidence, host)}"


def _daemon(host: str) -> str:
    return "the controller" if host == CONTROLLER else f"the agent on {host}"


def _may_end(evidence: Evidence, host: str, at_ns: int) -> bool:
    """Whether a fault met the daemon of the host that it may end with at that time."""
    return any(
        done.fault.ends_daemons
        and done.from_ns
        and done.planned.host == host
        and done.from_ns <= at_ns
        and (done.fault.spoils_journal or at_ns <= (done.until_ns or at_ns) + AFTER_S * 1e9)
        for done in evidence.faults
    )


def _last(evidence: Evidence, host: str) -> str:
    lines = [line for line in evidence.logs.get(host, "").splitlines() if re.search(r"error|Error", line)]
    return lines[-1][:300] if lines else "it said nothing"
