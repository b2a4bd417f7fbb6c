"""A person's end of the conversation with a controller: a request, its answer, and a sentence where there is none.

    async with connect(access) as client:
        agents = await client.ask(ListAgents(), Agents)

A request that may have been lost with its connection is sent again under the same id, which is harmless.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from plctl.common.base.errors import ProtocolError, UserError, VersionError, WorldError
from plctl.common.client.config import ControllerAccess
from plctl.common.protocol import messages as m
from plctl.common.protocol.requests import ClientAnswer, ClientRequest
from plctl.common.protocol.roles import Role
from plctl.common.transport.hub_and_spoke import Spoke, ZmqSpoke

#: How long a controller may take to answer what it only has to look up.
ANSWER_SECONDS = 10.0

A = TypeVar("A", bound=ClientAnswer)


class RefusedError(UserError):
    """The controller understood the request and says no; the message is its reason."""


class Client:
    """One conversation; `connect` makes it. Several requests may be under way at once."""

    def __init__(
        self,
        spoke: Spoke,
        name: str,
        role: Role,
        address: str = "",
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Speak over `spoke` as `name` in `role`; `address` is for sentences, `tell` hears of a lost connection."""
        self.name = name
        self.address = address
        self._spoke = spoke
        self._role: Role = role
        self._tell = tell or (lambda _sentence: None)
        self._waiting: dict[int, tuple[bytes, asyncio.Future[m.Message]]] = {}
        self._met = False  #: the controller, at least once
        self._trouble = ""  #: why there is no connection now

    async def ask(self, request: ClientRequest, answer: type[A], seconds: float = ANSWER_SECONDS) -> A:
        """What the controller answers to `request`, within `seconds`.

        :raises UserError: it is not for this role to ask.
        :raises RefusedError: the controller refuses it.
        :raises WorldError: there is no controller, no answer, or another one than `answer`.
        """
        self._check(request)
        number = secrets.randbits(62) + 1
        data = m.encode(m.Envelope(request, id=number))
        future: asyncio.Future[m.Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = data, future
        try:
            async with asyncio.timeout(seconds):
                await self._spoke.send(data)
                message = await future
        except TimeoutError:
            raise WorldError(self._no_answer(seconds)) from None
        finally:
            del self._waiting[number]
        if isinstance(message, m.Refused):
            raise RefusedError(message.cause)
        if not isinstance(message, answer):
            raise ProtocolError(f"{self.address} answers {type(request).__name__} with {type(message).__name__}")
        return message

    async def serve(self) -> None:
        """Hand answers to whoever waits for them, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive())
            group.create_task(self._repeat())

    async def leave(self) -> None:
        """Say that this was all."""
        if self._met:
            await self._spoke.send(m.encode(m.Envelope(m.Goodbye())))

    def on_trouble(self, cause: str) -> None:
        """There is no connection, for this cause: the end of all requests, if there never was one."""
        self._trouble = cause
        if self._met:
            self._tell(f"{cause}; trying again")
        else:
            self._fail(WorldError(cause))

    def _check(self, request: ClientRequest) -> None:
        if not m.may_send(self._role, request):
            what = type(request).__name__.lower()
            raise UserError(f"this key is a {self._role}'s, who may look but not {what}; it takes an operator's key")

    def _no_answer(self, seconds: float) -> str:
        if self._trouble and self._met:
            return f"lost the controller: {self._trouble}"
        where = f"the controller at {self.address}"
        return f"{where} has not answered within {seconds:g} s" + ("" if self._met else "; does it listen there?")

    def _fail(self, error: Exception) -> None:
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(error)

    async def _receive(self) -> None:
        while True:
            data = await self._spoke.receive()
            self._met, self._trouble = True, ""
            try:
                self._handle_answer(m.decode(data, "controller"))
            except VersionError as error:
                self._fail(VersionError(f"{self.address} is of another version of plctl: {error}"))
            except ProtocolError as error:
                self._fail(ProtocolError(f"{self.address} answered what cannot be understood: {error}"))

    def _handle_answer(self, envelope: m.Envelope) -> None:
        if isinstance(envelope.message, m.Refused) and not envelope.reply_to:
            self._fail(RefusedError(envelope.message.cause))
        elif envelope.reply_to in self._waiting:
            _, future = self._waiting[envelope.reply_to]
            if not future.done():
                future.set_result(envelope.message)

    async def _repeat(self) -> None:
        """After a lost connection ask again what is not answered: the question or the answer may be lost, too."""
        await self._spoke.connected()
        self._met = True
        while True:
            await self._spoke.connected()
            self._trouble = ""
            for data, _ in list(self._waiting.values()):
                await self._spoke.send(data)


@asynccontextmanager
async def connect(access: ControllerAccess, tell: Callable[[str], None] | None = None) -> AsyncIterator[Client]:
    """A conversation with the controller of `access`; `tell` hears why it is gone, if it goes, while it is awaited."""

    def hear(cause: str) -> None:
        client.on_trouble(cause)

    spoke = ZmqSpoke(access.address, access.pair.name, access.keys, hear)
    client = Client(spoke, access.pair.name, access.pair.role, access.address, tell)
    try:
        async with serving(client):
            yield client
    finally:
        spoke.close()


@asynccontextmanager
async def serving(client: Client) -> AsyncIterator[None]:
    """Let `client` hear its answers within the block, and say goodbye at its end."""
    task = asyncio.create_task(client.serve())
    try:
        yield
    finally:
        await client.leave()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
