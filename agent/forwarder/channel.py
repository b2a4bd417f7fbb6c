"""Requests to the forwarder's process and its answers, in the protocol that `plctl.agent.forwarder.process` has."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import msgpack

from plctl.agent.forwarder.process import LENGTH_BYTES, pack
from plctl.common.base.errors import KernelError, WorldError


class Channel:
    """The agent's end of the socket. Any number of requests may wait for their answers at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[tuple[str, Any]]] = {}
        self._requests = 0
        self._broken = ""
        self._receiver = asyncio.create_task(self._receive())

    @classmethod
    async def over(cls, connection: socket.socket) -> Channel:
        """The channel over `connection`, which it takes over."""
        return cls(*await asyncio.open_unix_connection(sock=connection))

    async def ask(self, verb: str, **arguments: Any) -> Any:
        """Have `verb` carried out; its result, as `plctl.agent.forwarder.process` returns it.

        :raises KernelError: it was refused; the message is the forwarder's.
        :raises WorldError: the forwarder is gone.
        """
        if self._broken:
            raise WorldError(f"cannot ask the forwarder to {verb}: {self._broken}")
        self._requests += 1
        answer: asyncio.Future[tuple[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._requests] = answer
        self._writer.write(pack({"id": self._requests, "verb": verb, **arguments}))
        error, result = await answer
        if error:
            raise KernelError(error)
        return result

    def fail(self, cause: str) -> None:
        """Let whoever waits, and whoever asks from now on, know that there will be no answer."""
        self._broken = cause
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(WorldError(f"the forwarder did not answer: {cause}"))
        self._waiting.clear()

    async def close(self) -> None:
        """Send end of file."""
        self.fail("it was closed")
        self._receiver.cancel()
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _receive(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int.from_bytes(await self._reader.readexactly(LENGTH_BYTES), "big")
                message = msgpack.unpackb(await self._reader.readexactly(length))
                answer = self._waiting.pop(message["id"], None)
                if answer and not answer.done():
                    answer.set_result((message["error"], message["result"]))
