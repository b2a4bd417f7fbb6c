"""Builds `fake_machine.c` and lets a test be its clock, its kernel and its scheduler."""

from __future__ import annotations

import ctypes
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from model.transport_frames import VIRTIO

from plctl.agent import native
from plctl.agent.native import HalfArguments
from plctl.common.telemetry.counters import COUNTERS, GAUGES, HalfCounts
from plctl.common.telemetry.packet_log import FIELDS, RECORD
from plctl.common.telemetry.samples import MEASURED_COLUMNS, HalfStats

BATCH = 4  #: frames that a call receives at most: so few that short traces fill it
BEGIN = 1000  #: when a machine is made
NEVER = 2**63 - 1

_NATIVE = Path(native.__file__).parent
_HERE = Path(__file__).parent
_NOUNS = (
    "frames/headers", "frames/parse", "frames/segments", "frames/super_frame", "offload/held", "io/namespace",
    "io/packet_socket", "io/pool", "io/port", "offload/port_frames", "offload/receive", "offload/send",
    "path/arrivals", "path/gathering", "path/grid", "path/lane", "path/trigger", "path/wall",
    "shared/packet_log", "shared/stats", "worker/deadlines", "worker/heartbeat", "worker/mailbox", "worker/pace",
    "worker/priority", "worker/readiness", "worker/starts",
)  # fmt: skip
_PARAMETERS_MAX = 10  # as in queue.h
_UNITS = ("bytes", "packets", "bdp")
_MODES = ("gsl", "all")
_TRIGGERS = ("", "first-packet", "first-transport-packet")
_FLAGS = (
    "-std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE=1 -Dclock_gettime=fake_clock_gettime "
    "-Drecvmmsg=fake_recvmmsg -Dsendmmsg=fake_sendmmsg"
)

Record = dict[str, int]


def build(folder: Path) -> ctypes.CDLL:
    """The machine's library, built into `folder` with the warnings of the product and the flags of `$TEST_CFLAGS`."""
    library = folder / "fake_machine.so"
    sources = [
        _HERE / "fake_machine.c",
        _HERE / "fake_super.c",
        _HERE.parent / "fuzz" / "no_real_ports.c",
        *(_NATIVE / f"{noun}.c" for noun in _NOUNS),
        *(path for room in ("model", "queue") for path in (_NATIVE / room).glob("*.c")),
    ]
    flags = [*_FLAGS.split(), f"-DPORT_BATCH={BATCH}", *os.environ.get("TEST_CFLAGS", "").split()]
    subprocess.run(
        [os.environ.get("CC", "gcc"), "-shared", "-fPIC", "-pthread", *flags, f"-I{_NATIVE}", *sources, "-o", library],
        check=True,
    )
    loaded = ctypes.CDLL(str(library))
    loaded.machine_new.restype = ctypes.c_void_p
    for name in ("machine_pass", "machine_t0", "machine_lateness_ns", "machine_take"):
        getattr(loaded, name).restype = ctypes.c_int64
    loaded.machine_arrive.restype = ctypes.c_bool
    loaded.machine_log.restype = ctypes.c_size_t
    return loaded


def _int64(value: int) -> ctypes.c_int64:
    return ctypes.c_int64(value)


class Noted(NamedTuple):
    """A snapshot of a lane."""

    at: int
    begin: int  #: since when what is new in it was counted
    counts: HalfCounts
    measured: tuple[int, ...]  #: in the order of `MEASURED_COLUMNS`


@dataclass
class Machine:
    """A worker and its link, both of whose halves are made from `arguments`; a context that frees it."""

    library: ctypes.CDLL
    arguments: HalfArguments
    wall_stamps: bool = False  #: both ports stamp by the wall clock, as packet sockets do
    strays: bool = False  #: each lane has a second port, as with AF_XDP
    super_frames: bool = False  #: ports have super-frames
    coalesce_ns: int = 0  #: how late their segments may leave
    budget_bytes: int = 2**30  #: of memory for frames
    clock: int = BEGIN
    _handle: ctypes.c_void_p = field(init=False)

    def __enter__(self) -> Machine:
        a = self.arguments
        numbers = [number for row in a["rows"] for number in row[:5]]
        self._handle = ctypes.c_void_p(
            self.library.machine_new(
                (ctypes.c_int64 * len(numbers))(*numbers), ctypes.c_size_t(len(a["rows"])), _int64(a["period_ns"]),
                a["routes"], _UNITS.index(a["capacity_unit"]), _int64(a["capacity_amount"]), _int64(a["full_frame"]),
                _int64(a["reconfiguration_ns"]), _MODES.index(a["reconfiguration_mode"]),
                str(a["queue"]["name"]).encode(),
                (ctypes.c_int64 * _PARAMETERS_MAX)(*(int(v) for name, v in a["queue"].items() if name != "name")),
                _int64(a["key"]), _int64(self.clock), self.wall_stamps, self.strays,
                self.super_frames, _int64(self.coalesce_ns), _int64(self.budget_bytes),
            )
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self.library.machine_free(self._handle)

    def arrive(
        self, lane: int, length: int, *, stray: bool = False, transport: bool = True, at: int | None = None
    ) -> None:
        """A frame lies in the ring of up (0) or down (1), and has been stamped now, or at `at`."""
        stamp = _int64(self.clock if at is None else at)
        assert self.library.machine_arrive(self._handle, lane, stray, stamp, length, transport)

    def arrive_super(self, lane: int, frame: bytes, virtio: bytes) -> None:
        """A frame or super-frame with its virtio header lies at up (0) or down (1), and has been stamped now."""
        length = ctypes.c_uint32(len(frame))
        self.library.machine_arrive_super(self._handle, lane, _int64(self.clock), frame, length, virtio)

    def take_super(self, lane: int) -> list[tuple[bytes, bytes]]:
        """What left a lane since the last call: each with its virtio header."""
        data, virtio = ctypes.create_string_buffer(2**17), ctypes.create_string_buffer(VIRTIO.size)
        found = []
        while length := self.library.machine_take_super(self._handle, lane, data, virtio):
            found.append((data.raw[:length], virtio.raw))
        return found

    def pass_by(self, lane: int) -> None:
        """Let two frames come to a lane in its next pass: one after its port was read, then a stray, which is read."""
        self.library.machine_pass_by(self._handle, lane)

    def arm(self, t0: int) -> None:
        """Start at `t0`."""
        assert 0 == self.library.machine_arm(self._handle, _int64(t0))

    def trigger(self, kind: Literal["first-packet", "first-transport-packet"]) -> None:
        """Start with a frame."""
        self.library.machine_trigger(self._handle, _TRIGGERS.index(kind))

    def step_wall(self, step: int) -> None:
        """Set the wall clock by so much forward, or backward."""
        self.library.machine_step_wall(_int64(step))

    def look(self, *, asks: bool = True) -> int:
        """Give the worker the CPU for one pass now; when it would go on by itself.

        One that does not ask epoll has done so just before the last frames came.
        """
        return int(self.library.machine_pass(self._handle, _int64(self.clock), asks))

    def settle(self, passes: int) -> None:
        """Give the worker the CPU until it has done all that there is to do by now, for `passes` at most.

        Each pass takes a nanosecond.
        """
        for _ in range(passes):
            if self.look() > self.clock:
                return
            self.clock += 1
        raise AssertionError(f"the worker is not done after {passes} passes")

    @property
    def t0(self) -> int:
        """When scenario time started, or will; NEVER if that is not known."""
        return int(self.library.machine_t0(self._handle))

    def log(self, lane: int) -> list[Record]:
        """The records of what has left or was dropped since the last call, in order of arrival."""
        return sorted(self.log_as_written(lane), key=lambda record: record["number"])

    def log_as_written(self, lane: int) -> list[Record]:
        """The same in the order in which it left, or was dropped."""
        most = 65536
        buffer = ctypes.create_string_buffer(most * RECORD.size)
        count = self.library.machine_log(self._handle, lane, buffer, ctypes.c_size_t(most))
        return [
            dict(zip(FIELDS, values, strict=True)) for values in RECORD.iter_unpack(buffer.raw[: count * RECORD.size])
        ]

    def counters(self, lane: int) -> HalfStats:
        """What a lane has counted, without the histograms."""
        values = (ctypes.c_uint64 * len((*COUNTERS, *GAUGES)))()
        self.library.machine_counters(self._handle, lane, values)
        return HalfStats(*values)

    def note(self, t0: int, interval: int) -> None:
        """Have what is counted noted at `t0` and every `interval` after it."""
        assert 0 == self.library.machine_note(self._handle, _int64(t0), _int64(interval))

    def take(self, lane: int) -> list[Noted]:
        """What was noted of a lane and not taken yet."""
        found = []
        while (noted := self._take_one(lane)) is not None:
            found.append(noted)
        return found

    def _take_one(self, lane: int) -> Noted | None:
        begin, counts = _int64(0), (ctypes.c_uint64 * len((*COUNTERS, *GAUGES)))()
        figures = (ctypes.c_int64 * len(MEASURED_COLUMNS))()
        at = self.library.machine_take(self._handle, lane, ctypes.byref(begin), counts, figures)
        return Noted(at, begin.value, HalfCounts(*counts), tuple(figures)) if at else None

    def greatest_lateness(self, lane: int) -> int:
        """Of all that left, and of what was lost because it was late."""
        return int(self.library.machine_lateness_ns(self._handle, lane))
