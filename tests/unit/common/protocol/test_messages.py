"""The protocol's table: every message survives the wire, and nothing outside the table does."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from plctl.common.base.clock import ClockIdentity
from plctl.common.base.errors import ForbiddenError, VersionError
from plctl.common.clocks.wall_promise import ClockDiscipline, WallReading
from plctl.common.plan.link_change import AppliedChange, LinkChange
from plctl.common.plan.run_plan import LinkPlan, Ready, RunPlan, Workload
from plctl.common.plan.run_request import LinkRequest, RunRequest, SourceFile
from plctl.common.protocol import messages, wire
from plctl.common.protocol import presence as ps
from plctl.common.protocol import requests as rq
from plctl.common.protocol.messages import Envelope
from plctl.common.protocol.older import OLDER
from plctl.common.protocol.version_2 import FIELDS
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.socket_stats import Flow

SCHEDULE = Schedule((Row(0, 0, 41_000_000, 80_000_000), Row(11, 1, 1, 0)), period_ns=20)
PLAN = RunPlan(
    run="r",
    seed=2**63 - 1,
    links=(LinkPlan("leo-0", SCHEDULE, SCHEDULE, workloads=(Workload("w", "client", ("true",), ready=Ready(tcp=1)),)),),
)
RESULT = messages.DirectionResult(1, 2, 3, 4, lost_late=5, lateness_p50_ns=6, lateness_p99_ns=7, lateness_max_ns=8)
WORKLOAD = messages.WorkloadResult("w", "client", 0, "", 1, 2, 3)
FINISHED = messages.Finished((messages.LinkResult("l", RESULT, RESULT, (WORKLOAD,)),))
INFO = rq.RunInfo("r", "handover", "running", "ada", "2026-11-23T04:15:30.000000Z", 1, ("edge-1",))
AGENT = rq.AgentInfo("edge-1", "10.0.0.1", "0.1.0", True, 5, ("r",), 1, 2, 3, 4, -5, 6, "exchanges", 0, {"kernel": "6"})
REQUEST = RunRequest("handover", 1, tuple(map(LinkRequest, PLAN.links)), sources=(SourceFile.of("leo.csv", "0,0,1,1"),))
CHANGE = LinkChange({"delay_ns": 20}, {"rate_bps": 2**63 - 1}, hold=True)
APPLIED = AppliedChange(5, CHANGE, LinkChange({"delay_ns": 1}, {"rate_bps": 2}), "ada")
EVERY_MESSAGE = [
    messages.Hello("a", "0.1.0", 1, ClockIdentity("b", "t"), {"kernel": "6"}),
    messages.Welcome("c", ClockIdentity("b", "t"), 3, 40),
    ps.Heartbeat(),
    ps.Status(-5, 6, "exchanges", 7, 0, 2**30),
    ps.ClockQuery(1),
    ps.ClockReply(1, 2, 3, "", WallReading(1, 2, 3, ClockDiscipline("chrony", "UTC", 4))),
    messages.Prepare(PLAN),
    messages.Prepared((messages.LinkReadiness("l", "no", "ok"),)),
    messages.Arm(1),
    messages.Armed(2, "shared"),
    messages.NotArmed("too late"),
    messages.Commit(1),
    messages.Started((messages.LinkStart("l", 1, 2),), 0),
    messages.ApplyChange("leo-0", CHANGE, "ada"),
    messages.Changed("leo-0", APPLIED),
    messages.Stop("why"),
    messages.Release(),
    messages.Released(),
    messages.Refused("no"),
    messages.Goodbye(),
    messages.Telemetry(1, -5, ("l",), {"t_ns": bytes(16)}),
    messages.SocketStats(1, 5, (Flow("l", "client", "::1", 1, "::2", 2, "cubic", 9),), {"t_ns": bytes(8)}),
    messages.Events(2, ({"event": "x", "n": 1},)),
    messages.Artifact(3, "l", "w.stdout", b"\x00"),
    messages.Packets(4, "l", "up", bytes(64)),
    messages.Gap(9, 6),
    messages.Report(5, FINISHED),
    messages.Ack(4),
    rq.ListAgents(),
    rq.Agents((AGENT,), "c", "0.1.0"),
    rq.Submit(REQUEST, "pack", force=True, command=("plctl", "run")),
    rq.Submitted("r", (rq.Assignment("leo-0", "edge-1", 1, 2),), ("mind",)),
    rq.ListRuns(),
    rq.Runs((INFO,)),
    rq.ReadRun("r"),
    rq.RunState(INFO, 1, 2, 3, (rq.LinkState("leo-0", "edge-1", "started", up=(1, 2)),)),
    rq.ListFiles("r"),
    rq.Files((rq.FileInfo("run.json", 9),)),
    rq.ReadFile("r", "events.jsonl", -100),
    rq.FilePart(b"x", 0, 1, over=False),
    rq.Cancel("r", "why"),
    rq.Clean("r"),
    rq.ChangeLink("r", "leo-0", CHANGE),
    rq.LinkChanged("leo-0", APPLIED),
    rq.Done("it"),
]


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda m: type(m).__name__)
def test_every_message_survives_the_wire(message: messages.Message) -> None:
    """Encoding and decoding gives an equal envelope for each message in the table, from each of its senders."""
    envelope = Envelope(message, id=7, reply_to=3, epoch="r", expires_ns=9)
    (kind,) = [kind for kind in messages.TABLE.values() if kind.message is type(message)]
    for sender in kind.senders:
        assert envelope == messages.decode(messages.encode(envelope), sender)


def test_the_samples_above_are_the_whole_table() -> None:
    """No message of the table is without a sample here."""
    assert {kind.message for kind in messages.TABLE.values()} == {type(m) for m in EVERY_MESSAGE}


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("sender", get_args(messages.Role))
def test_nobody_may_say_more_than_the_table_has(sender: messages.Role, message: messages.Message) -> None:
    """A message from a role that may not send it is refused by name, and the refusal says what would be legal."""
    (name,) = [name for name, kind in messages.TABLE.items() if kind.message is type(message)]
    if sender not in messages.TABLE[name].senders:
        with pytest.raises(ForbiddenError, match=f"'{name}' is not for this role to send; legal from {sender}: "):
            messages.decode(messages.encode(Envelope(message)), sender)


def test_an_unknown_type_is_refused() -> None:
    """What the table does not have is no message, whoever sends it."""
    with pytest.raises(ForbiddenError, match="'__import__' is no type of message; legal from viewer: list_agents, "):
        messages.decode(wire.pack({"v": messages.PROTOCOL_VERSION, "type": "__import__", "body": {}}), "viewer")


def test_another_version_is_refused_first() -> None:
    """A message of another protocol version is refused for its version, whatever else it holds."""
    with pytest.raises(VersionError, match=f"protocol version 9; this side speaks {messages.PROTOCOL_VERSION}"):
        messages.decode(wire.pack({"v": 9, "new": True}), "agent")


def test_a_refusal_is_understood_across_versions() -> None:
    """Whoever is refused by another version learns both versions and the other side's reason."""
    refusal = wire.pack({"v": 9, "type": "refused", "body": {"cause": "too old", "more": 1}, "new": 1})
    with pytest.raises(VersionError, match=r"protocol version 9; .* 3 \(plctl .*\); the other side refused: too old"):
        messages.decode(refusal, "controller")


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda m: type(m).__name__)
def test_the_version_before_is_spoken_too(message: messages.Message) -> None:
    """Without a field that it does not know; what cannot be left out is refused by its name, not sent and lost."""
    envelope = Envelope(message, id=7, epoch="r", version=OLDER)
    if type(message).__name__ not in FIELDS:
        with pytest.raises(VersionError, match=f"does not know {type(message).__name__}"):
            messages.encode(envelope)
        return
    data = messages.encode(envelope)
    assert OLDER == messages.version_of(data)
    plain = wire.unpack(data)
    assert isinstance(plain, dict)
    assert plain["v"] == OLDER
    assert plain["body"].keys() <= FIELDS[type(message).__name__]
    for sender in messages.TABLE[plain["type"]].senders - {"controller"}:
        assert OLDER == messages.decode(data, sender).version


def test_what_is_new_is_left_out_of_answers_and_never_of_commands() -> None:
    """An older client need not know of attempts; an older agent that would not capture must not be asked to."""
    info = rq.RunInfo("r", "r", "done", "ada", "", 1, ("a",), retried_as="r-2")
    plain = wire.unpack(messages.encode(Envelope(rq.Runs((info,)), version=OLDER)))
    assert isinstance(plain, dict)
    assert plain["body"]["runs"][0].keys() == FIELDS["RunInfo"]
    refused = rq.Agents((), "c", "0.1.0", {"mallory": {"flood": 1}})
    assert "refused" not in str(wire.unpack(messages.encode(Envelope(refused, version=OLDER))))
    link = LinkPlan("x", SCHEDULE, SCHEDULE, packets=True)
    known = messages.decode(messages.encode(Envelope(messages.Prepare(RunPlan("r", 1, (link,))))), "controller")
    older = Envelope(known.message, version=OLDER)
    assert wire.unpack(messages.encode(older)) != wire.unpack(messages.encode(known))
    capturing = messages.Prepare(RunPlan("r", 1, (replace(link, capture_bytes=64),)))
    with pytest.raises(VersionError, match=r"does not know LinkPlan\.capture_bytes, which is 64 here"):
        messages.encode(Envelope(capturing, version=OLDER))
