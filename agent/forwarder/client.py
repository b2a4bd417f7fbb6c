"""The agent's hold on its forwarder: starts the process, asks it, reads its statistics, notices its death."""

from __future__ import annotations

import asyncio
import contextlib
import json
import mmap
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from plctl.agent.forwarder import memory as forwarder_memory
from plctl.agent.forwarder.channel import PATIENCE_S, Channel, SilenceError
from plctl.agent.forwarder.live_change import LiveLink
from plctl.agent.forwarder.packet_log import PacketLog
from plctl.agent.forwarder.shared_schedules import SharedSchedules
from plctl.agent.forwarder.worker_watch import WorkerBeat, silent_since
from plctl.agent.kernel.link_namespaces import LINK_CLIENT_INTERFACE, LINK_SERVER_INTERFACE, NETNS_DIR
from plctl.agent.native import _core, half_config
from plctl.agent.ownership import processes
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import KernelError, WorldError
from plctl.common.base.interpreter import module_command
from plctl.common.base.process_end import how_it_ended
from plctl.common.base.units import format_size
from plctl.common.plan.forwarder_options import ForwarderOptions, ForwarderTerms, Io, LinkIo
from plctl.common.plan.link_change import AppliedChange, LinkChange, check_change
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.protocol.wire import from_plain, to_plain
from plctl.common.resources.link_need import need_bytes
from plctl.common.scenario.schedule import Schedule
from plctl.common.telemetry.samples import HalfStats, Histogram, LinkStats
from plctl.common.telemetry.witness import WorkerGap

LEDGER_NAME = "forwarder"
CLOSE_GRACE_S = 10.0  #: what a forwarder gets to end its links before it is killed
START_S = 30.0  #: what it gets to answer the first question: an interpreter must start on a busy machine
SETTLE_S = 5.0  #: what it gets to say what is overdue, which takes microseconds


@dataclass(frozen=True, slots=True)
class _Link:
    plan: LinkPlan
    need_bytes: int  #: of frame store and packet log
    ring_bytes: int  #: of each of its two rings
    store_bytes: int  #: that an XDP link takes at once
    io: LinkIo
    log: PacketLog | None
    live: LiveLink


class ForwarderClient:
    """A forwarder process, started by `spawn`, with numbered slots for links."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        channel: Channel,
        ledger: Ledger,
        stats: mmap.mmap,
        budget_bytes: int,
        *,
        options: ForwarderOptions,
    ) -> None:
        self.options = options
        self._process = process
        self._channel = channel
        self._ledger = ledger
        self._stats = stats
        self._budget_bytes = budget_bytes
        self._links: dict[int, _Link] = {}
        self._schedules = SharedSchedules(self._ask)
        #: Gets the cause, as a sentence, when the process ends without having been asked to.
        self.died: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        #: When its workers last gave a sign of life (CLOCK_MONOTONIC), once it has died.
        self.lived_until_ns = 0
        self._identity = processes.identify(process.pid)
        self._ended_for = ""  #: why it was ended, if it was
        self._watcher = asyncio.create_task(self._watch())

    @classmethod
    async def spawn(
        cls, ledger: Ledger, slots: int, options: ForwarderOptions | None = None, *, budget_bytes: int | None = None
    ) -> Self:
        """Start the process, with room for `slots` links and for `budget_bytes` of frames inside them.

        :raises KernelError: it cannot be started.
        """
        budget_bytes = forwarder_memory.default_budget() if budget_bytes is None else budget_bytes
        options = options or ForwarderOptions()
        size = _core.stats_size(slots)
        memory = os.memfd_create("plctl-forwarder")
        ours, theirs = socket.socketpair()
        try:
            os.ftruncate(memory, size)
            stats = mmap.mmap(memory, size)  # written is only what was taken of snapshots
            process = await _start((theirs.fileno(), memory, slots, budget_bytes), options, ledger)
        except OSError as error:
            ours.close()
            raise KernelError.from_os("start the forwarder", error) from error
        finally:
            theirs.close()
            os.close(memory)
        return cls(process, await Channel.over(ours), ledger, stats, budget_bytes, options=options)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    async def terms(self) -> ForwarderTerms:
        """How it really runs.

        :raises WorldError: it could not even start.
        """
        return from_plain(ForwarderTerms, await self._ask("describe", patience_s=START_S), "terms")

    async def add(
        self, slot: int, netns: str, plan: LinkPlan, *, seed: int = 0, io: Io | None = None, company: int = 1
    ) -> str:
        """Forward in the link namespace named `netns`; the first row holds until the link is started.

        Returns what carries the frames, for people: "xdp", "packet", or, where `auto` would have preferred XDP,
        "packet (MTU 9000 is too large for XDP)".

        :param seed: of the run; what is drawn for the link's frames follows from it.
        :param company: how many links come together, this one included; they share memory evenly.
        :raises WorldError: the budget cannot hold the link too; the message says the sum.
        :raises KernelError: the kernel refused something.
        """
        wanted: LinkIo = "super" if plan.offload == "on" else io or self.options.io
        link = self._reserve(slot, netns, wanted, company, LiveLink(self._ask, slot, plan, seed))
        shared: list[Schedule] = []
        try:
            handles = []
            for schedule in (plan.up, plan.down):
                handles.append(await self._schedules.share(schedule))
                shared.append(schedule)
            how: str = await self._ask(
                "add",
                slot=slot,
                netns=str(NETNS_DIR / netns),
                interfaces=(LINK_CLIENT_INTERFACE, LINK_SERVER_INTERFACE),
                up={"schedule": handles[0], **half_config(plan, "up", seed)},
                down={"schedule": handles[1], **half_config(plan, "down", seed)},
                mtu=plan.mtu,
                overhead_bytes=plan.overhead_bytes,
                ring_bytes=link.ring_bytes,
                store_bytes=link.store_bytes,
                io=link.io,
                coalesce_ns=plan.coalesce_ns,
                packet_log=link.log.path if link.log else "",
            )
        except BaseException:
            self._forget(slot)
            for schedule in shared:
                with contextlib.suppress(WorldError):  # the forwarder is gone, and they with it
                    await self._schedules.give_up(schedule)
            raise
        if link.io == wanted:
            return how
        few = company <= forwarder_memory.XDP_COMPANY_MAX
        why = "other links have taken the memory for XDP" if few else f"{company} links together are too many for XDP"
        return f"{how} ({why})"

    async def arm(self, slots: Sequence[int], t0_ns: int) -> None:
        """Start the scenarios of links at `t0_ns` (CLOCK_MONOTONIC).

        :raises KernelError: T0 has passed, or one of them has started already.
        """
        await self._ask("arm", slots=tuple(slots), t0_ns=t0_ns)

    async def trigger(self, slot: int) -> None:
        """Start a link's scenario at the first frame that its plan's `start` asks for.

        :raises KernelError: it has started already.
        """
        await self._ask("trigger", slot=slot, frame=self._links[slot].plan.start)

    async def change(self, slot: int, wanted: LinkChange, by: str) -> AppliedChange:
        """Change a link that runs, in both directions at once; since when that holds.

        :raises UserError: it cannot be changed so, or not yet.
        :raises WorldError: the budget cannot hold the frames that would be inside, or the forwarder was never in time.
        """
        link = self._links[slot]
        check_change(link.live.plan, wanted)
        done = await link.live.change(
            wanted,
            by,
            start_of=lambda: self.start_of(slot),
            now_ns=time.monotonic_ns,
            check=lambda plan: self._check_room(slot, plan),
        )
        if (now := self._links.get(slot)) and now.live is link.live:  # else it was removed meanwhile
            self._links[slot] = replace(now, need_bytes=max(now.need_bytes, need_bytes(link.live.plan)))
        return done

    def plan_of(self, slot: int) -> LinkPlan:
        """What the link in `slot` follows now, with all changes."""
        return self._links[slot].live.plan

    async def watch(self, gap_ns: int) -> None:
        """Have workers write down every gap longer than `gap_ns`, until they have no links any more."""
        await self._ask("watch", gap_ns=gap_ns)

    async def note(self, slots: Sequence[int], t0_ns: int, interval_ns: int) -> None:
        """Note what links have counted at `t0_ns`, which is to come, and every `interval_ns` after it, for `take`.

        :raises KernelError: T0 has passed.
        """
        await self._ask("note", slots=tuple(slots), t0_ns=t0_ns, interval_ns=interval_ns)

    async def settle(self, slots: Sequence[int], at_ns: int) -> list[tuple[int, int]]:
        """Let links take in what has arrived by now, and ask what is overdue.

        Of each of `slots`: how many frames should have left by `at_ns`, which is past, and since when the first of them
        was due (0 if there are none).
        """
        found = await self._ask("settle", patience_s=SETTLE_S, slots=tuple(slots), at_ns=at_ns)
        return [(packets, oldest_ns) for packets, oldest_ns in found]

    async def remove(self, slot: int) -> None:
        """End a link; what is inside is lost. Its statistics stay readable until the slot is used again.

        :raises KernelError: there is none.
        """
        await self._ask("remove", slot=slot)
        plan = self._links[slot].plan
        self._forget(slot)
        for schedule in (plan.up, plan.down):
            await self._schedules.give_up(schedule)

    def read(self, slot: int) -> LinkStats:
        """What the link has counted since it was added; costs the forwarder nothing.

        :raises KernelError: the forwarder died while it was changing the counters.
        """
        try:
            t0_ns, started_ns, up, down = _core.read_stats(self._counted, slot)
        except OSError as error:
            raise KernelError(str(error)) from error
        return LinkStats(_half(up), _half(down), t0_ns, started_ns)

    @property
    def readable(self) -> bool:
        """Whether `read` and its like still may be called: until `close`, also of a forwarder that has died."""
        return not self._stats.closed

    @property
    def _counted(self) -> mmap.mmap:
        """What it shares; who still waits for something in it when it is closed learns why that will not come.

        :raises KernelError: it is closed.
        """
        if self._stats.closed:
            raise KernelError("cannot read what the forwarder counted: it was ended")
        return self._stats

    def start_of(self, slot: int) -> tuple[int, int]:
        """When the scenario of a link is to start, and when it did; 0: not known. Both as in `LinkStats`."""
        return _core.read_start(self._counted, slot)

    def take(self, slots: tuple[int, ...]) -> list[_core.NativeSnapshot]:
        """What was noted of links and not taken yet; costs the forwarder nothing."""
        return _core.take_snapshots(self._counted, slots)

    def noted(self, slot: int, stats: LinkStats) -> LinkStats:
        """`stats` with histograms as they were at the last instants that were noted."""
        native = _core.read_noted(self._stats, slot)
        up, down = (
            replace(
                half,
                lateness=Histogram(lateness, half.lateness.min, half.lateness.max),
                transit=Histogram(transit, half.transit.min, half.transit.max),
            )
            for half, (lateness, transit) in zip((stats.up, stats.down), (native[:2], native[2:]), strict=True)
        )
        return replace(stats, up=up, down=down)

    def worker_of(self, slot: int) -> int:
        """The number of the worker that serves the link in `slot`."""
        return _core.worker_of(self._stats, slot)

    def heartbeat(self, worker: int) -> WorkerBeat:
        """What the worker shows of its life; costs it nothing."""
        passes, pass_ns, until_ns, recorded, gaps, all_gaps = _core.read_worker(self._stats, worker)
        known = tuple(WorkerGap(*gap) for gap in gaps)
        return WorkerBeat(passes, pass_ns, until_ns, recorded, known, Histogram(*all_gaps))

    def packet_log(self, slot: int) -> PacketLog | None:
        """The link's log, if its plan asks for one; readable until the link is removed, even if the forwarder dies."""
        return self._links[slot].log

    async def close(self) -> None:
        """End the process and all its links; may be called twice, and after it died.

        :raises KernelError: the process was killed, and is still there.
        """
        self._watcher.cancel()
        await self._channel.close()
        try:
            await asyncio.wait_for(self._process.wait(), CLOSE_GRACE_S)
        except TimeoutError:
            await asyncio.to_thread(processes.end, [self._identity], 0)
            await self._process.wait()
        for slot in list(self._links):
            self._forget(slot)
        if not self._stats.closed:
            self._stats.close()
            self._ledger.strike("process", LEDGER_NAME)

    async def _ask(self, verb: str, *, patience_s: float = PATIENCE_S, **arguments: Any) -> Any:
        """As `Channel.ask`; a forwarder that does not answer is ended.

        :raises WorldError: it did not answer, and has been ended or cannot be.
        """
        try:
            return await self._channel.ask(verb, patience_s=patience_s, **arguments)
        except SilenceError as error:
            self._ended_for = self._ended_for or f"{error}, and was ended"
            try:
                await asyncio.to_thread(processes.end, [self._identity], 0)
            except KernelError as stuck:
                self._channel.fail(str(stuck))
                raise
            await asyncio.wait({self.died}, timeout=1)  # so that whoever hears of this finds it done
            raise WorldError(self._ended_for) from error

    async def _watch(self) -> None:
        status = await self._process.wait()
        how = how_it_ended(status) if status < 0 else f"ended by itself, with status {status}"
        cause = self._ended_for or f"the forwarder {how}"
        self.lived_until_ns = self._last_sign_ns()
        self._channel.fail(cause)
        self.died.set_result(cause)

    def _last_sign_ns(self) -> int:
        """Of its workers, when all have ended; of those that did nothing any more, if the others still worked."""
        beats = [self.heartbeat(number) for number in range(_core.WORKERS_MAX)]
        since = silent_since(beats, time.monotonic_ns())
        return max(beat.pass_ns for beat in beats) if since is None else since

    @property
    def free_bytes(self) -> int:
        """What the frames of further links may take."""
        return self._budget_bytes - sum(link.need_bytes for link in self._links.values())

    def _reserve(self, slot: int, netns: str, io: LinkIo, company: int, live: LiveLink) -> _Link:
        plan = live.plan
        need = need_bytes(plan)
        taken = self._budget_bytes - self.free_bytes
        if slot in self._links:
            raise ValueError(f"slot {slot} has a link already")
        if taken + need > self._budget_bytes:
            raise WorldError(
                f"cannot forward in {netns}: link {plan.name} needs {format_size(need)} for frames, the "
                f"{len(self._links)} links before it {format_size(taken)}, and the budget is "
                f"{format_size(self._budget_bytes)}"
            )
        kernels = sum(2 * link.ring_bytes + link.store_bytes for link in self._links.values())
        if io == "auto" and not forwarder_memory.has_room_for_xdp(kernels, company):
            io = "packet"
        store = 0 if io in {"packet", "super"} else forwarder_memory.store_bytes(plan, kernels, company)
        log = PacketLog.create(plan.capture_bytes) if plan.packets else None
        ring = forwarder_memory.ring_bytes(plan, kernels, company)
        self._links[slot] = _Link(plan, need, ring, store, io, log, live)
        return self._links[slot]

    def _check_room(self, slot: int, plan: LinkPlan) -> None:
        more = need_bytes(plan) - self._links[slot].need_bytes
        if more > self.free_bytes:
            raise WorldError(
                f"cannot change {plan.name}: its frames would need {format_size(more)} more, and of the budget of "
                f"{format_size(self._budget_bytes)} there are {format_size(self.free_bytes)} left"
            )

    def _forget(self, slot: int) -> None:
        link = self._links.pop(slot)
        if link.log:
            link.log.close()


async def _start(
    arguments: tuple[int, int, int, int], options: ForwarderOptions, ledger: Ledger
) -> asyncio.subprocess.Process:
    """It does nothing before a request comes, and ends if none ever can: so it may be entered once it has a pid."""
    process = await asyncio.create_subprocess_exec(
        *module_command("plctl.agent.forwarder.process", json.dumps(to_plain(options)), *map(str, arguments)),
        stdin=asyncio.subprocess.DEVNULL,
        pass_fds=arguments[:2],
        start_new_session=True,
        env={**os.environ, **ledger.environment},
    )
    ledger.record_process(LEDGER_NAME, process.pid)
    return process


def _half(native: _core.NativeHalfStats) -> HalfStats:
    counters, lateness, transit = native
    return HalfStats.of(counters, Histogram(*lateness), Histogram(*transit))
