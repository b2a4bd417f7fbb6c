"""A link's packet log as the agent holds it: memory that the forwarder writes to, read here without disturbing it."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator

from plctl.agent.native import _core
from plctl.common.base.errors import KernelError
from plctl.common.protocol.messages import MAX_CAPTURED_BYTES, MAX_PACKETS
from plctl.common.scenario.schedule import DIRECTIONS, Direction


class PacketLog:
    """The two rings of one link. Made by `create`; the memory is there from then on, so that writing cannot fail."""

    def __init__(self, descriptor: int, memory: mmap.mmap, capture_bytes: int) -> None:
        self._descriptor = descriptor
        self._memory = memory
        self._capture_bytes = capture_bytes
        self._most = min(MAX_PACKETS, MAX_CAPTURED_BYTES // capture_bytes) if capture_bytes else MAX_PACKETS
        self._lost = (0, 0)  # as of the end
        self._capture_lost = (0, 0)

    @classmethod
    def create(cls, capture_bytes: int = 0) -> PacketLog:
        """A log for a link that is about to be added, with the first `capture_bytes` of each frame.

        :raises KernelError: there is no memory for it.
        """
        descriptor = os.memfd_create("plctl-packets")
        size = _core.CAPTURING_LOG_BYTES if capture_bytes else _core.PACKET_LOG_BYTES
        try:
            os.posix_fallocate(descriptor, 0, size)
            memory = mmap.mmap(descriptor, size)
        except OSError as error:
            os.close(descriptor)
            raise KernelError.from_os("make room for a packet log", error) from error
        if capture_bytes:
            _core.capture_set(memory, capture_bytes)
        return cls(descriptor, memory, capture_bytes)

    @property
    def path(self) -> str:
        """Where another process of this user can open the memory, as long as this one keeps it."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def read_new(self) -> Iterator[tuple[Direction, bytes, bytes]]:
        """(direction, records, first bytes) of all that was written since the last call, in pieces for a message each.

        Nothing once it is closed. Stops after a ring's length of each direction, so it ends however fast packets come.
        """
        for number, direction in enumerate(() if self._memory.closed else DIRECTIONS):
            for _ in range(_core.PACKET_LOG_RECORDS // self._most):
                if not (records := _core.packet_log_read(self._memory, number, self._most)):
                    break
                yield direction, records, self._captured(number, records)

    def lost(self) -> tuple[int, int]:
        """How many packets, up and down, have no record because there was no room for it."""
        if not self._memory.closed:
            self._lost = _core.packet_log_lost(self._memory, 0), _core.packet_log_lost(self._memory, 1)
        return self._lost

    def capture_lost(self) -> tuple[int, int]:
        """Of how many packets, up and down, the first bytes were asked for and found no room."""
        if self._capture_bytes and not self._memory.closed:
            self._capture_lost = _core.capture_lost(self._memory, 0), _core.capture_lost(self._memory, 1)
        return self._capture_lost

    def close(self) -> None:
        """Give the memory back, once the forwarder has done so too; twice is harmless."""
        if not self._memory.closed:
            self.lost()
            self.capture_lost()
            self._memory.close()
            os.close(self._descriptor)

    def _captured(self, number: int, records: bytes) -> bytes:
        return _core.capture_read(self._memory, number, records) if self._capture_bytes else b""
