"""Requests to the forwarder's process and its answers, in the protocol that `plctl.agent.forwarder.process` has."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import msgpack

from plctl.agent.forwarder.process import LENGTH_BYTES, pack
from plctl.common.base.errors import KernelError, WorldError

#: How long a forwarder may answer nothing at all while somebody waits, and how long a request may wait in all. Many
#: requests at once take as long as each other, so each answer shows that it still works on the others.
PATIENCE_S = 10.0
LONGEST_S = 60.0


class SilenceError(WorldError):
    """The forwarder does not answer, though its process may live."""


class Channel:
    """The agent's end of the socket. Any number of requests may wait for their answers at once."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[tuple[str, Any]]] = {}
        self._requests = 0
        self._heard_s = 0.0  #: when the last answer came, on the loop's clock
        self._broken = ""
        self._receiver = asyncio.create_task(self._receive())

    @classmethod
    async def over(cls, connection: socket.socket) -> Channel:
        """The channel over `connection`, which it takes over."""
        return cls(*await asyncio.open_unix_connection(sock=connection))

    async def ask(self, verb: str, *, patience_s: float = PATIENCE_S, **arguments: Any) -> Any:
        """Have `verb` carried out; its result, as `plctl.agent.forwarder.process` returns it.

        :param patience_s: how long the forwarder may be silent.
        :raises KernelError: it was refused; the message is the forwarder's.
        :raises SilenceError: no answer came.
        :raises WorldError: the forwarder is gone.
        """
        if self._broken:
            raise WorldError(f"cannot ask the forwarder to {verb}: {self._broken}")
        self._requests += 1
        answer: asyncio.Future[tuple[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._requests] = answer
        self._writer.write(pack({"id": self._requests, "verb": verb, **arguments}))
        await self._wait(answer, verb, patience_s)
        error, result = await answer
        if error:
            raise KernelError(error)
        return result

    async def _wait(self, answer: asyncio.Future[tuple[str, Any]], verb: str, patience_s: float) -> None:
        """Return once the answer is there.

        :raises SilenceError: it did not come in time.
        """
        clock = asyncio.get_running_loop().time
        asked_s = clock()
        while not answer.done():
            limit_s = min(max(asked_s, self._heard_s) + patience_s, asked_s + max(LONGEST_S, patience_s))
            if clock() >= limit_s:
                answer.cancel()
                waited = f"{clock() - asked_s:.1f} s"
                raise SilenceError(f"the forwarder did not answer within {waited} when asked to {verb}")
            await asyncio.wait({answer}, timeout=limit_s - clock())

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
            try:
                await asyncio.wait_for(self._writer.wait_closed(), PATIENCE_S)
            except TimeoutError:  # it takes no more requests
                self._writer.transport.abort()

    async def _receive(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int.from_bytes(await self._reader.readexactly(LENGTH_BYTES), "big")
                message = msgpack.unpackb(await self._reader.readexactly(length))
                self._heard_s = asyncio.get_running_loop().time()
                answer = self._waiting.pop(message["id"], None)
                if answer and not answer.done():
                    answer.set_result((message["error"], message["result"]))
