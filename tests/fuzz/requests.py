"""Any bytes as a request to the forwarder: refused, or carried out by the C core, and always answered.

A real forwarder with two slots does what is asked; only the paths are taken from the input's hands, so that nothing on
the machine is opened.
"""

from __future__ import annotations

import os
import socket

import msgpack
from fuzz.altered import bytes_of

from plctl.agent.forwarder.process import LENGTH_BYTES, Server, decode_request
from plctl.agent.native import _core
from plctl.common.base.errors import ProtocolError
from plctl.common.plan.forwarder_options import ForwarderTerms
from plctl.common.plan.half_impairments import native_impairments
from plctl.common.plan.impairments import Impairments
from plctl.common.protocol.wire import to_plain
from plctl.common.scenario.packed import pack_schedule
from plctl.common.scenario.schedule import Row, Schedule

_SLOTS = 2
_SCHEDULE = to_plain(pack_schedule(Schedule((Row(0, 0, 10, 80), Row(5, 1, 20, 0, 4000)), 7)))
_HALF = {
    "schedule": 1,
    "capacity_unit": "packets",
    "capacity_amount": 5,
    "full_frame": 1514,
    "reconfiguration_ns": 3,
    "reconfiguration_mode": "all",
    "queue": {"name": "drophead"},
    "impairments": native_impairments(Impairments(), jitters=False),
    "key": -7,
}
_TEMPLATES = [
    {"id": 1, "verb": "describe"},
    {"id": 1, "verb": "share", "handle": 1, "schedule": _SCHEDULE},
    {"id": 1, "verb": "forget", "handle": 1},
    {"id": 1, "verb": "arm", "slots": [0, 1], "t0_ns": 5},
    {"id": 1, "verb": "trigger", "slot": 0, "frame": "first-packet"},
    {"id": 1, "verb": "watch", "gap_ns": 1000},
    {"id": 1, "verb": "note", "slots": [0, 1], "t0_ns": 5, "interval_ns": 7},
    {"id": 1, "verb": "settle", "slots": [0, 1], "at_ns": 5},
    {"id": 1, "verb": "remove", "slot": 0},
    {
        "id": 1, "verb": "add", "slot": 0, "netns": "", "interfaces": ["a", "b"], "up": _HALF, "down": _HALF,
        "mtu": 1500, "overhead_bytes": 0, "ring_bytes": 65536, "store_bytes": 0, "io": "packet", "packet_log": "",
    },
]  # fmt: skip


class _World:
    """A server over one end of a socket pair, made at the first input."""

    def __init__(self) -> None:
        self.ours, theirs = socket.socketpair()
        memory = os.memfd_create("plctl-fuzz")
        os.ftruncate(memory, _core.stats_size(_SLOTS))
        worker = ("adaptive", 0, -1, 0, 0, 0)
        forwarder = _core.Forwarder(stats=memory, slots=_SLOTS, workers=(worker,), budget_bytes=2**20)
        os.close(memory)
        self.server = Server(forwarder, theirs, ForwarderTerms(0, (), locked_memory=False))
        self.close = lambda: (forwarder.close(), theirs.close(), self.ours.close())


_worlds: list[_World] = []


def one_input(data: bytes) -> None:
    """The one property: no exception but a refusal, and one answer with the request's id."""
    try:
        request = decode_request(bytes_of(data, _TEMPLATES))
    except ProtocolError:
        return
    for name in ("netns", "packet_log"):
        if name in request:
            request[name] = "" if name == "packet_log" else "/nonexistent"
    if not _worlds:
        _worlds.append(_World())
    _worlds[0].server._answer(request)
    head = _worlds[0].ours.recv(LENGTH_BYTES, socket.MSG_WAITALL)
    answer = msgpack.unpackb(_worlds[0].ours.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
    assert request["id"] == answer["id"]
    assert isinstance(answer["error"], str)


def close() -> None:
    """End what the inputs needed."""
    while _worlds:
        _worlds.pop().close()
