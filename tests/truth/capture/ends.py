"""Sees every frame at one end of a link, with the kernel's stamp, and takes no CPU time while the run goes on.

Two rings in the end's namespace (TPACKET_V2), which nobody reads until the run is over; they are as large as the
traffic needs, and what the kernel could not put into one it counts. `all` has what left and what came, as tcpdump sees
it: where the kernel hands a frame over to the interface, behind any qdisc or filter, or takes it over from there. `ip`
sees what comes once more, behind the filters of tc, where IP takes it over: what tc drops on its way in never came.
"""

from __future__ import annotations

import mmap
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from truth.capture.frame import Frame, read_frame
from truth.inside import inside

_SOL_PACKET, _RX_RING, _STATISTICS, _VERSION = 263, 5, 6, 10
_TPACKET_V2 = 1
_ETH_P_ALL, _ETH_P_IP = 3, 0x0800
_BLOCK_BYTES, _SLOT_BYTES = 1 << 16, 2048
_SLOTS_A_BLOCK = _BLOCK_BYTES // _SLOT_BYTES
_HEADER = struct.Struct("=IIIHHIIHH4x")  # struct tpacket2_hdr
_ADDRESS = struct.Struct("=HHiHBB8s")  # struct sockaddr_ll, behind it
_FILLED, _NO_CHECKSUM = 1, 1 << 3  # TP_STATUS_USER, TP_STATUS_CSUMNOTREADY
_OUTGOING, _LOOPBACK_INDEX = 4, 1


class Ring:
    """A packet socket whose frames lie in memory until somebody wants to know."""

    def __init__(self, namespace: int, protocol: int, frames: int) -> None:
        """Of the interfaces of `namespace`, for so many `frames`."""
        blocks = -(-frames // _SLOTS_A_BLOCK)
        self._slots = blocks * _SLOTS_A_BLOCK
        self._socket = inside(
            namespace, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
        )
        self._socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V2)
        request = struct.pack("=IIII", _BLOCK_BYTES, blocks, _SLOT_BYTES, self._slots)
        self._socket.setsockopt(_SOL_PACKET, _RX_RING, request)
        self._memory = mmap.mmap(self._socket.fileno(), blocks * _BLOCK_BYTES)

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()
        self._socket.close()

    def missed(self) -> int:
        """How many frames the ring had no room for."""
        _, drops = struct.unpack("=II", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8))
        return int(drops)

    def frames(self) -> Iterator[Frame]:
        """All frames, in order; stamps of CLOCK_REALTIME."""
        view = memoryview(self._memory)
        for slot in range(self._slots):
            at = slot * _SLOT_BYTES
            status, length, kept, mac, _, seconds, nanoseconds, _, _ = _HEADER.unpack_from(view, at)
            if not status & _FILLED:
                break
            _, _, interface, _, kind, _, _ = _ADDRESS.unpack_from(view, at + _HEADER.size)
            if interface != _LOOPBACK_INDEX:
                data = bytes(view[at + mac : at + mac + kept])
                yield read_frame(
                    data, seconds * 10**9 + nanoseconds, length,
                    outgoing=kind == _OUTGOING, finished=not status & _NO_CHECKSUM,
                )  # fmt: skip
        view.release()


@dataclass(frozen=True)
class Seen:
    """What an end saw, in order; stamps of CLOCK_MONOTONIC, which are wrong by `clock_error_ns` at most."""

    left: list[Frame]
    came: list[Frame]
    missed: int
    clock_error_ns: int


class End:
    """Both rings of one end, from now on."""

    def __init__(self, namespace: int, frames: int) -> None:
        self._offset = _wall_offset()
        self._all = Ring(namespace, _ETH_P_ALL, frames)
        self._ip = Ring(namespace, _ETH_P_IP, frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._all.close()
        self._ip.close()

    def look(self) -> Seen:
        """What there was until now."""
        before, after = self._offset, _wall_offset()
        offset, error = (before + after) // 2, abs(after - before)
        return Seen(
            [frame.moved(-offset) for frame in self._all.frames() if frame.outgoing],
            [frame.moved(-offset) for frame in self._ip.frames()],
            self._all.missed() + self._ip.missed(),
            error,
        )


def _wall_offset() -> int:
    """CLOCK_REALTIME less CLOCK_MONOTONIC, from the quickest of some readings."""
    readings = []
    for _ in range(50):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        readings.append((after - before, wall - (before + after) // 2))
    return min(readings)[1]
