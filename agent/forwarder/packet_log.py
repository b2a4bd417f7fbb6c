"""A link's packet log as the agent holds it: memory that the forwarder writes to, read here without disturbing it."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator

from plctl.agent.native import _core
from plctl.common.base.errors import KernelError
from plctl.common.protocol.messages import MAX_PACKETS
from plctl.common.scenario.schedule import DIRECTIONS, Direction


class PacketLog:
    """The two rings of one link. Made by `create`; the memory is there from then on, so that writing cannot fail."""

    def __init__(self, descriptor: int, memory: mmap.mmap) -> None:
        self._descriptor = descriptor
        self._memory = memory
        self._lost = (0, 0)  # as of the end

    @classmethod
    def create(cls) -> PacketLog:
        """A log for a link that is about to be added.

        :raises KernelError: there is no memory for it.
        """
        descriptor = os.memfd_create("plctl-packets")
        try:
            os.posix_fallocate(descriptor, 0, _core.PACKET_LOG_BYTES)
            return cls(descriptor, mmap.mmap(descriptor, _core.PACKET_LOG_BYTES))
        except OSError as error:
            os.close(descriptor)
            raise KernelError.from_os("make room for a packet log", error) from error

    @property
    def path(self) -> str:
        """Where another process of this user can open the memory, as long as this one keeps it."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def read_new(self) -> Iterator[tuple[Direction, bytes]]:
        """(direction, records) of all that was written since the last call, in pieces of at most `MAX_PACKETS`.

        Nothing once it is closed. Stops after a ring's length of each direction, so it ends however fast packets come.
        """
        for number, direction in enumerate(() if self._memory.closed else DIRECTIONS):
            for _ in range(_core.PACKET_LOG_RECORDS // MAX_PACKETS):
                if not (records := _core.packet_log_read(self._memory, number, MAX_PACKETS)):
                    break
                yield direction, records

    def lost(self) -> tuple[int, int]:
        """How many packets, up and down, have no record because there was no room for it."""
        if not self._memory.closed:
            self._lost = _core.packet_log_lost(self._memory, 0), _core.packet_log_lost(self._memory, 1)
        return self._lost

    def close(self) -> None:
        """Give the memory back, once the forwarder has done so too; twice is harmless."""
        if not self._memory.closed:
            self.lost()
            self._memory.close()
            os.close(self._descriptor)
