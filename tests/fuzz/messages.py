"""Any bytes as a message in any role: understood or refused, and what is understood can be said again."""

from __future__ import annotations

from typing import get_args

from fuzz.altered import bytes_of

from plctl.common.base.errors import ProtocolError
from plctl.common.plan.run_plan import Budget, LinkPlan, RunPlan
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.protocol.messages import Role, decode, encode
from plctl.common.protocol.wire import unpack
from plctl.common.scenario.schedule import Row, Schedule

_SCHEDULE = Schedule((Row(0, 0, 10, 80), Row(5, 1, 20, 0)))
_PLAN = RunPlan("r", 1, (LinkPlan("leo-0", _SCHEDULE, _SCHEDULE),), 1, Budget(), 1)
_MESSAGES = (
    *(
        m.Prepare(_PLAN),
        m.Arm(5),
        m.Armed(1, "x"),
        m.NotArmed("x"),
        m.Ack(3),
        m.Telemetry(1, 5, ("l",), {"t_ns": b"12345678"}),
    ),
    *(m.Events(2, ({"event": "a.b"},)), m.Artifact(3, "l", "n", b"d"), m.Refused("no"), ps.Heartbeat()),
    *(ps.Status(-5, 6, "exchanges", 7, 0, 2**30), ps.ClockQuery(1), ps.ClockReply(1, 2, 3)),
)
_TEMPLATES = [unpack(encode(m.Envelope(message, id=1, epoch="r"))) for message in _MESSAGES]


def one_input(data: bytes) -> None:
    """The one property: no other exception, and a message survives being written and read."""
    data = bytes_of(data, _TEMPLATES)
    for sender in get_args(Role):
        try:
            envelope = decode(data, sender)
        except ProtocolError:
            continue
        assert repr(envelope) == repr(decode(encode(envelope), sender))
