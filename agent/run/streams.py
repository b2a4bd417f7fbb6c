"""What a run reports on its way, beside the answers to commands: events, samples, sockets, packets and output."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from plctl.agent.forwarder.data_plane import DataPlane
from plctl.agent.run.link import RunLink
from plctl.agent.run.reports import RunReports
from plctl.agent.telemetry.sampler import Sampler, first_batch_ns
from plctl.agent.telemetry.socket_stats import Algorithms, SocketBatch
from plctl.agent.workload.artifact_stream import ArtifactStream
from plctl.common.base.errors import KernelError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import RunPlan
from plctl.common.protocol import messages as m
from plctl.common.telemetry.socket_stats import Flow, SocketSample

#: How often packet logs are emptied: a ring holds what comes in between at 1.3 million packets a second.
DRAIN_NS = 50 * NS_PER_MS
#: How long samples of sockets are gathered before they are sent, and the most that one message has.
SOCKET_BATCH_NS = 1 * NS_PER_S
SOCKET_BATCH = 4096


class RunStreams:
    """The streams of one run. `going_on` tells whether its links run."""

    def __init__(
        self,
        plan: RunPlan,
        links: Mapping[str, RunLink],
        reports: RunReports,
        folder: Path,
        going_on: Callable[[], bool],
    ) -> None:
        """What workloads print is found in `folder`."""
        self._plan = plan
        self._links = links
        self._services = reports.services
        self._reports = reports
        self._going_on = going_on
        self._sampler = Sampler(plan.sample_interval_ns, first_batch_ns(reports.services.name))
        self._sockets = SocketBatch()
        self._algorithms = Algorithms()
        self._looking = asyncio.Lock()
        self._t0_ns = 0
        self._slots: tuple[int, ...] = ()
        self.artifacts = ArtifactStream(folder)

    def start(self, t0_ns: int, forwarder: DataPlane) -> list[Coroutine[Any, Any, None]]:
        """What is to be done from `t0_ns` (this host's clock) on until the run is over, side by side."""
        self._t0_ns = t0_ns
        running = [link for link in self._links.values() if link.baseline]
        self._slots = tuple(link.slot for link in running)
        self._sampler.start(t0_ns, [(link.plan, link.baseline) for link in running if link.baseline])
        works = [self._sample_for_ever(forwarder)]
        if any(link.log for link in self._links.values()):
            works.append(self._drain_for_ever())
        if self._plan.socket_stats_ns:
            works.append(self._look_for_ever(t0_ns))
        return works

    def follow(self, link: RunLink) -> None:
        """The plan of `link` is another now, from some instant on."""
        self._sampler.follow(list(self._links.values()).index(link), link.plan)

    async def finish(self, forwarder: DataPlane | None) -> None:
        """Send what is left, with a last sample if there was a forwarder, however long the controller takes."""
        if forwarder and self._slots and forwarder.readable:
            self._sample(forwarder)
            self._sample_rest(forwarder)
        await self._send_samples()
        await self._send_sockets()
        await self._send_packets(patiently=True)
        await self._send_artifacts(patiently=True)
        await self._send_files()
        await self._reports.send_events()

    # --- samples

    async def _sample_for_ever(self, forwarder: DataPlane) -> None:
        while self._going_on():
            await self._services.clock.sleep_until(self._sampler.next_ns)
            if self._going_on():
                self._sample(forwarder)
                await self._reports.send_events()
                if self._sampler.due():
                    await self._send_samples()
                if not self._services.crowded():  # else they wait in their files
                    await self._send_artifacts()

    def _sample(self, forwarder: DataPlane) -> None:
        """Take what the forwarder has noted since the last time."""
        for number, link in enumerate(self._links.values()):
            if link.plan.start != "at-t0" and not link.scenario_told:
                self._tell_scenario(number, link, *forwarder.start_of(link.slot))
        self._sampler.add(self._services.clock.monotonic_ns(), forwarder.take(self._slots))

    def _tell_scenario(self, number: int, link: RunLink, t0_ns: int, started_ns: int) -> None:
        """Tell when traffic has started a link's scenario."""
        if started_ns:
            link.scenario_told = True
            self._sampler.start_scenario(number, t0_ns)
            after_t0_s = (t0_ns - self._t0_ns) / NS_PER_S
            self._reports.log.emit("scenario.started", link=link.plan.name, t_ns=t0_ns, after_t0_s=after_t0_s)

    def _sample_rest(self, forwarder: DataPlane) -> None:
        """Read what came after the last instant that was noted; of a forwarder that has died, until it did."""
        readings = []
        for number, link in enumerate(self._links.values()):
            try:
                link.latest = forwarder.read(link.slot)
                noted = forwarder.noted(link.slot, link.latest)
            except KernelError:  # it died while it changed them
                link.latest = noted = self._sampler.last(number)
            link.latest_ns = self._services.clock.monotonic_ns()
            if forwarder.died.done():
                link.latest_ns = max(self._t0_ns, min(link.latest_ns, forwarder.lived_until_ns))
            link.begin_with(*self._sampler.first(number))
            readings.append((link.latest, noted))
        self._sampler.finish(max(link.latest_ns or 0 for link in self._links.values()), readings)

    async def _send_samples(self) -> None:
        samples = self._sampler.batch()
        make = partial(
            m.Telemetry, offset_ns=self._reports.offset_ns() or 0, links=samples.links, columns=dict(samples.columns)
        )  # the offset is known, or there would have been no start
        if len(samples):
            await self._reports.report(make, expendable=True)

    # --- sockets

    async def _look_for_ever(self, t0_ns: int) -> None:
        """Look at the sockets of all links at whole intervals after T0; what the kernel refuses ends it with a word."""
        sent_ns, interval_ns = t0_ns, self._plan.socket_stats_ns
        while True:
            now = self._services.clock.monotonic_ns()
            await self._services.clock.sleep_until(t0_ns + ((now - t0_ns) // interval_ns + 1) * interval_ns)
            if not self._going_on():
                return
            try:
                seen = await self._look()
            except KernelError as error:
                self._reports.log.emit("socket_stats.failed", cause=str(error))
                await self._reports.send_events()
                return
            self._sockets.add(seen)
            self._tell_changes(seen)
            now = self._services.clock.monotonic_ns()
            if now + interval_ns - sent_ns > SOCKET_BATCH_NS or len(self._sockets) >= SOCKET_BATCH:
                await self._send_sockets()
                sent_ns = now

    def _tell_changes(self, seen: list[tuple[Flow, SocketSample]]) -> None:
        """Tell which sockets have another congestion control than at the look before."""
        for flow, sample, was in self._algorithms.changes(seen):
            names = {"local": flow.local, "local_port": flow.local_port, "remote": flow.remote}
            facts = names | {"remote_port": flow.remote_port, "was": was, "now": flow.congestion_control}
            after_t0_s = (sample.t_ns - self._t0_ns) / NS_PER_S
            about = {"link": flow.link, "end": flow.end, "after_t0_s": after_t0_s}
            self._reports.log.emit("socket.congestion_control", t_ns=sample.t_ns, **about, **facts)

    async def _look(self) -> list[tuple[Flow, SocketSample]]:
        """In a thread: the sockets of a thousand links are some 100 ms of work."""
        async with self._looking:
            links = [link.sockets for link in self._links.values() if link.sockets is not None]
            now_ns = self._services.clock.monotonic_ns
            return await asyncio.to_thread(lambda: [each for sockets in links for each in sockets.read(now_ns())])

    async def forget_sockets(self) -> None:
        """Look no more: the links are about to be removed."""
        async with self._looking:
            for link in self._links.values():
                if link.sockets is not None:
                    link.sockets.close()
                    link.sockets = None

    async def _send_sockets(self) -> None:
        if len(self._sockets):
            samples, offset_ns = self._sockets.take(), self._reports.offset_ns() or 0
            make = partial(m.SocketStats, offset_ns=offset_ns, flows=samples.flows, columns=dict(samples.columns))
            await self._reports.report(make, expendable=True)

    # --- packets and output

    async def _drain_for_ever(self) -> None:
        """Send on what packet logs hold."""
        while self._going_on():
            await self._services.clock.sleep_until(self._services.clock.monotonic_ns() + DRAIN_NS)
            if self._going_on() and not self._services.crowded():  # else they fill up, which bounds the agent's memory
                await self._send_packets()

    async def _send_packets(self, *, patiently: bool = False) -> None:
        for link in self._links.values():
            for direction, records, captured in tuple(link.log.read_new()) if link.log else ():
                make = partial(m.Packets, link=link.plan.name, direction=direction, records=records, captured=captured)
                await self._reports.report(make)
            if not await self._room(patiently):
                return

    async def _send_artifacts(self, *, patiently: bool = False) -> None:
        if cause := self.artifacts.notice_full_disk():
            self._reports.log.emit("output.disk_full", cause=cause)
        try:
            for link, name, data in self.artifacts.read_new():
                await self._reports.report(partial(m.Artifact, link=link, name=name, data=data))
                if not await self._room(patiently):
                    return
        except OSError as error:
            self._tell_unread(error)

    async def _send_files(self) -> None:
        """Send what programs left in their folders, and say what of all that they wrote is missing."""
        left_out = self.artifacts.left_out()
        try:
            for link, name, data in self.artifacts.read_files(left_out):
                await self._reports.report(partial(m.Artifact, link=link, name=name, data=data))
                await self._services.room()
        except OSError as error:
            self._tell_unread(error)
        for link, cause in left_out:
            self._reports.log.emit("output.left_out", link=link, cause=cause)

    def _tell_unread(self, error: OSError) -> None:
        cause = KernelError.from_os(f"read {error.filename or 'what programs wrote'}", error)
        self._reports.log.emit("output.unread", cause=str(cause))

    async def _room(self, patiently: bool) -> bool:
        """Whether more may be sent now: what has a place of its own waits there while the controller takes nothing."""
        if patiently:
            await self._services.room()
        return not self._services.crowded()
