"""A real host as the site of runs: it reaps predecessors, owns a ledger and a forwarder, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict

from plctl.agent.cleanup.reap import reap
from plctl.agent.cleanup.reboot import reap_after_reboot
from plctl.agent.forwarder.capacity import estimate_capacity
from plctl.agent.forwarder.data_plane import DataPlane, start_data_plane
from plctl.agent.forwarder.memory import default_budget
from plctl.agent.kernel.etc_files import write_etc
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.ownership.output_folder import OutputFolder
from plctl.agent.run.executor import HostResources, RunHost
from plctl.agent.run.host_check import find_objection
from plctl.agent.service.local_status import StatusFile
from plctl.agent.service.site import AgentServices, MakeRun
from plctl.agent.watch.listener import Listener
from plctl.common.base.errors import KernelError
from plctl.common.host import sd_notify
from plctl.common.host.facts import gather_host_facts
from plctl.common.host.limits import gather_limits
from plctl.common.host.state import Owner, output_dir
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.protocol.messages import HostCapacity

#: Links that one agent can hold; each costs some shared memory once it is used.
SLOTS = 4096


class HostSite:
    """This machine, with a forwarder that runs as `options` say once there is a link, or `at_once`."""

    simulated = False

    def __init__(
        self, options: ForwarderOptions | None = None, *, at_once: bool = False, workload_user: str = ""
    ) -> None:
        """Programs that name no account run as `workload_user`; empty: as this process."""
        self._workload_user = workload_user
        self._at_once = at_once
        self._options = options or ForwarderOptions()
        self._forwarder: DataPlane | None = None
        self._forwarder_lock = asyncio.Lock()
        self._status_file: StatusFile | None = None
        self._lost: dict[str, tuple[str, ...]] = {}

    @asynccontextmanager
    async def open(self, services: AgentServices) -> AsyncIterator[MakeRun]:
        """Reap what predecessors left, then be ready for runs.

        :raises KernelError: the state folder cannot be used.
        """
        await asyncio.to_thread(reap, patience_s=0)
        self._lost = await asyncio.to_thread(reap_after_reboot, output_dir())
        with Owner.create(f"agent-{services.name}-{os.getpid()}") as owner:
            ledger = Ledger(owner.ledger_path)
            self._status_file = StatusFile(owner.path, services.name)
            listener = Listener()
            output = OutputFolder(ledger, output_dir())
            host = HostResources(
                services,
                ledger,
                folder=output.path,
                etc=write_etc(owner.path / "etc"),
                forwarder=lambda: self._living_forwarder(ledger),
                workload_user=self._workload_user,
                slots=list(range(SLOTS - 1, -1, -1)),
                listener=listener,
                find_objection=lambda plan: find_objection(plan, gather_limits(), self.free_bytes()),
            )
            beside = [asyncio.create_task(work) for work in (self._start_early(ledger), _reap_again())]
            try:
                yield lambda prepare, prepare_id: RunHost(prepare, prepare_id, host)
            finally:
                await asyncio.gather(*beside)
                listener.close()
                if self._forwarder:
                    await self._forwarder.close()
                await asyncio.to_thread(output.remove)
                ledger.close()
                owner.remove()

    def take_lost(self) -> dict[str, tuple[str, ...]]:
        """What a reboot of the host has cost, once."""
        lost, self._lost = self._lost, {}
        return lost

    def show(self, *, serving: bool, runs: tuple[str, ...]) -> None:
        """In a file, and to systemd.

        :raises KernelError: the file cannot be written.
        """
        assert self._status_file is not None
        self._status_file.update(serving=serving, runs=runs)

    async def tend(self) -> None:
        """Feed systemd's watchdog, if it wants that."""
        await sd_notify.keep_alive()
        await asyncio.Event().wait()  # for ever

    def facts(self) -> dict[str, str]:
        """Kernel, CPUs, memory and so on."""
        return {name: str(fact) for name, fact in asdict(gather_host_facts()).items()}

    def capacity(self) -> HostCapacity:
        """As the machine and the forwarder's options have it."""
        return estimate_capacity(self._options)

    def free_bytes(self) -> int:
        """What is left of the forwarder's budget, also before there is a forwarder."""
        forwarder = self._forwarder
        return forwarder.free_bytes if forwarder and not forwarder.died.done() else default_budget()

    async def _start_early(self, ledger: Ledger) -> None:
        """Where a run is sure to come; what prevents it, the first link will hear when it tries again."""
        if self._at_once:
            with suppress(KernelError):
                await self._living_forwarder(ledger)

    async def _living_forwarder(self, ledger: Ledger) -> DataPlane:
        async with self._forwarder_lock:
            if self._forwarder and self._forwarder.died.done():
                await self._forwarder.close()
                self._forwarder = None
            if self._forwarder is None:
                self._forwarder = await start_data_plane(ledger, SLOTS, self._options)
            return self._forwarder


async def _reap_again() -> None:
    """Owners that had just died when this agent was started; what resists, the next agent will find."""
    with suppress(KernelError):
        await asyncio.to_thread(reap)
