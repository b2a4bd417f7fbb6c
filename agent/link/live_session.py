"""What a session of `plctl link start` does for other commands: change the link, and tell what the link followed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Sequence

from plctl.agent.forwarder.data_plane import DataPlane
from plctl.agent.kernel.link_namespaces import raise_buffers
from plctl.agent.link.control import ControlAnswer, ControlRequest, Recorded, RecordRequest, SetRequest, ask
from plctl.agent.link.hand_link import HandLink
from plctl.common.base.errors import BusyError, KernelError, ProtocolError, UserError
from plctl.common.plan.link_change import AppliedChange, describe, format_at, unrolled
from plctl.common.protocol.wire import from_plain, pack, to_plain, unpack
from plctl.common.scenario.packed import pack_schedule, unpack_schedule
from plctl.common.scenario.schedule import Scenario

_LAST_NAME = "last-session"


class LiveSession:
    """One emulation, by a data plane that carries the link in `slot`. `tell` says a sentence to who started it."""

    def __init__(
        self, link: HandLink, forwarder: DataPlane, slot: int, tell: Callable[[str], None], *, seed: int
    ) -> None:
        self._link = link
        self._forwarder = forwarder
        self._slot = slot
        self._tell = tell
        self._seed = seed
        self._changes: list[AppliedChange] = []

    async def handle(self, request: ControlRequest) -> ControlAnswer:
        """Do what another command asks for.

        :raises UserError: the link cannot be changed so, or not yet.
        :raises WorldError: there is no room for it, or the forwarder is gone.
        """
        if request.set:
            return ControlAnswer(changed=await self._change(request.set))
        return ControlAnswer(recorded=self.recorded())

    async def _change(self, wanted: SetRequest) -> AppliedChange:
        done = await self._forwarder.change(self._slot, wanted.change, wanted.by)
        self._changes.append(done)
        self._tell(f"{format_at(done)}: {done.by} changed {describe(done)}")
        plan = self._forwarder.plan_of(self._slot)
        try:
            await asyncio.to_thread(raise_buffers, self._link.namespaces, plan)
        except KernelError as error:
            self._tell(f"warning: the ends' TCP buffers stay as they are: {error}")
        return done

    def recorded(self) -> Recorded:
        """What the link has followed so far, and will follow."""
        plan = self._forwarder.plan_of(self._slot)
        t0_ns, started_ns = self._forwarder.start_of(self._slot)
        now_ns = max(0, time.monotonic_ns() - t0_ns) if started_ns else 0
        up, down = pack_schedule(plan.up), pack_schedule(plan.down)
        return Recorded(up, down, now_ns, with_seed(sys.argv, self._seed), tuple(self._changes))


def with_seed(command: Sequence[str], seed: int) -> tuple[str, ...]:
    """The command that draws the same again."""
    given = any(word == "--seed" or word.startswith("--seed=") for word in command)
    return (*command, *([] if given else ["--seed", str(seed)]))


def keep(link: HandLink, recorded: Recorded) -> None:
    """Let `recording` know of a session that is over, until the next one."""
    with contextlib.suppress(OSError):
        (link.folder / _LAST_NAME).write_bytes(pack(to_plain(recorded)))


def forget(link: HandLink) -> None:
    """Another session begins."""
    (link.folder / _LAST_NAME).unlink(missing_ok=True)


def recording(link: HandLink) -> Recorded:
    """What the session that goes on has followed so far; if none does, what the last one followed.

    :raises BusyError: there was none since the link was set up.
    :raises WorldError: the process that emulates the link does not answer.
    """
    if link.user:
        answer = ask(link.folder, ControlRequest(record=RecordRequest()))
        assert answer.recorded
        return answer.recorded
    try:
        return from_plain(Recorded, unpack((link.folder / _LAST_NAME).read_bytes()), "session")
    except FileNotFoundError:
        raise BusyError(f"nobody has emulated link {link.name} since it was set up") from None
    except ProtocolError as error:
        raise UserError(f"the last session of link {link.name} was one of another version: {error}") from None


def scenario_of(recorded: Recorded) -> Scenario:
    """The scenario that replays the session."""
    ways = unpack_schedule(recorded.up), unpack_schedule(recorded.down)
    if recorded.changes:  # what repeats was not the same in each round
        ways = unrolled(ways[0], recorded.scenario_ns), unrolled(ways[1], recorded.scenario_ns)
    return Scenario(*ways, recorded.scenario_ns)
