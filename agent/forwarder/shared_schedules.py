"""The schedules that the forwarder has been given, each once, however many of its links follow it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from plctl.common.protocol.wire import to_plain
from plctl.common.scenario.packed import pack_schedule
from plctl.common.scenario.schedule import Schedule


@dataclass(slots=True)
class _Shared:
    handle: int  #: its name there; never used again
    sending: asyncio.Task[None]
    users: int = 0


class SharedSchedules:
    """Gives schedules to a forwarder when the first link needs them, and takes them back."""

    def __init__(self, ask: Callable[..., Awaitable[Any]]) -> None:
        """By `ask` the forwarder is asked, as by `Channel.ask`."""
        self._ask = ask
        self._handles = itertools.count(1)
        self._shared: dict[str, _Shared] = {}  #: by digest

    async def share(self, schedule: Schedule) -> int:
        """The handle of `schedule` there, for one more link.

        :raises KernelError: the forwarder refuses the schedule.
        :raises WorldError: the forwarder is gone.
        """
        shared = self._shared.get(schedule.digest)
        if shared is None:
            handle = next(self._handles)
            shared = _Shared(handle, asyncio.create_task(self._send(handle, schedule)))
            self._shared[schedule.digest] = shared
        shared.users += 1
        try:
            await asyncio.shield(shared.sending)
        except BaseException:
            self._drop_user(schedule)
            raise
        return shared.handle

    async def give_up(self, schedule: Schedule) -> None:
        """One link less follows `schedule`.

        :raises WorldError: the forwarder is gone, and the schedule with it.
        """
        if (handle := self._drop_user(schedule)) is not None:
            await self._ask("forget", handle=handle)

    def _drop_user(self, schedule: Schedule) -> int | None:
        """The handle, if that was the last user."""
        shared = self._shared[schedule.digest]
        shared.users -= 1
        if shared.users:
            return None
        del self._shared[schedule.digest]
        return shared.handle

    async def _send(self, handle: int, schedule: Schedule) -> None:
        packed = await asyncio.to_thread(pack_schedule, schedule)
        await self._ask("share", handle=handle, schedule=to_plain(packed))
