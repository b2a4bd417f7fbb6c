"""Dispatches the requests of operators and viewers: one answer to each request, and one effect however often it comes.

Reading changes nothing, so it is done anew each time; the answers of what does change something are kept by the
client's name and the request's id. Such requests take their time in tasks of their own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from plctl.common.base.background import by_itself
from plctl.common.base.errors import PlctlError, WorldError
from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq
from plctl.common.transport.hub_and_spoke import Peer

#: Answers that are kept so that a request that comes twice has one effect.
REMEMBERED_ANSWERS = 1000
#: Requests of one client that may be under way at the same time.
MAX_UNDER_WAY = 100


@dataclass(frozen=True, slots=True)
class Requester:
    """Who made a request, and under which number."""

    name: str  #: on the client's key
    id: int  #: of the request; unique among those of this name


#: Answers at once.
Read = Callable[[Any], rq.ClientAnswer]
#: Has an effect, and may take long.
Act = Callable[[Requester, Any], Awaitable[rq.ClientAnswer]]
Send = Callable[[Peer, m.Envelope], Awaitable[None]]


class RequestDispatcher:
    """Hands each request to what answers its type: `reads`, or `acts` for those that have an effect."""

    def __init__(self, reads: Mapping[type[Any], Read], acts: Mapping[type[Any], Act], send: Send) -> None:
        """`send` may raise WorldError where the client is gone: then nobody waits for the answer."""
        self._reads = reads
        self._acts = acts
        self._send = send
        self._answers: dict[Requester, bytes | None] = {}  #: as on the wire; None while it is being carried out
        self._under_way: Counter[str] = Counter()  #: requests of each client
        self._tasks: asyncio.TaskGroup

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Carry requests out in `tasks`, until these end."""
        self._tasks = tasks

    async def dispatch(self, peer: Peer, envelope: m.Envelope) -> None:
        """Answer one request, now or once it has been carried out."""
        requester, request = Requester(peer.name, envelope.id), envelope.message
        if read := self._reads.get(type(request)):
            await self._answer(peer, _reply(requester, lambda: read(request)))
        elif requester in self._answers:
            if said := self._answers[requester]:
                await self._answer(peer, m.decode(said, "controller"))
        elif self._under_way[peer.name] >= MAX_UNDER_WAY:
            cause = f"{MAX_UNDER_WAY} requests of {peer.name} are under way; wait for their answers"
            await self._answer(peer, m.Envelope(m.Refused(cause), reply_to=requester.id))
        else:
            self._remember(requester, None)
            self._under_way[peer.name] += 1
            work = self._carry_out(peer, requester, request)
            task = self._tasks.create_task(by_itself(work, f"request {requester.id} of {peer.name}"))
            task.add_done_callback(lambda _: self._ended(peer.name))

    async def ask(self, requester: Requester, request: rq.ClientRequest) -> rq.ClientAnswer:
        """What somebody in this process is answered; what a request does, it does each time.

        :raises PlctlError: the request is refused.
        """
        if read := self._reads.get(type(request)):
            return read(request)
        return await self._acts[type(request)](requester, request)

    def _ended(self, client: str) -> None:
        self._under_way[client] -= 1
        if not self._under_way[client]:
            del self._under_way[client]

    async def _carry_out(self, peer: Peer, requester: Requester, request: m.Message) -> None:
        try:
            message: m.Message = await self._acts[type(request)](requester, request)
        except PlctlError as error:
            message = m.Refused(str(error))
        except Exception as error:  # our bug: the client is not to wait for ever, and others are to be served
            message = m.Refused(f"a bug in plctl, see the controller's log: {error!r}")
            asyncio.get_running_loop().call_exception_handler({"message": f"{request!r:.200}", "exception": error})
        answer = m.Envelope(message, reply_to=requester.id)
        self._remember(requester, answer)
        await self._answer(peer, answer)

    async def _answer(self, peer: Peer, answer: m.Envelope) -> None:
        with suppress(WorldError):  # it has gone; if it comes again, it asks again
            await self._send(peer, answer)

    def _remember(self, requester: Requester, answer: m.Envelope | None) -> None:
        self._answers[requester] = m.encode(answer) if answer else None  # a quarter of what its objects take
        while len(self._answers) > REMEMBERED_ANSWERS:
            del self._answers[next(iter(self._answers))]


def _reply(requester: Requester, read: Callable[[], rq.ClientAnswer]) -> m.Envelope:
    try:
        return m.Envelope(read(), reply_to=requester.id)
    except PlctlError as error:
        return m.Envelope(m.Refused(str(error)), reply_to=requester.id)
