"""What an agent needs of a data plane: links that are carried in numbered slots, started at T0, counted and watched.

Its one implementation is the forwarder (client.py). Nothing else of the agent names that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.forwarder.packet_log import PacketLog
from plctl.agent.forwarder.worker_watch import WorkerBeat
from plctl.agent.ownership.ledger import Ledger
from plctl.common.plan.forwarder_options import ForwarderOptions, ForwarderTerms
from plctl.common.plan.link_change import AppliedChange, LinkChange
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.telemetry.samples import LinkStats, Snapshot


class DataPlane(Protocol):
    """Carries the frames of links. Instants are of CLOCK_MONOTONIC; a slot holds one link at a time."""

    @property
    def options(self) -> ForwarderOptions:
        """What was asked of it."""

    @property
    def died(self) -> asyncio.Future[str]:
        """Gets the cause, as a sentence, when it ends without having been asked to."""

    @property
    def lived_until_ns(self) -> int:
        """When its workers last gave a sign of life, once it has died."""

    @property
    def free_bytes(self) -> int:
        """What the frames of further links may take."""

    async def terms(self) -> ForwarderTerms:
        """How it really runs.

        :raises WorldError: it could not even start.
        """

    async def add(self, slot: int, netns: str, plan: LinkPlan, *, seed: int = 0, company: int = 1) -> str:
        """Carry frames in the link namespace named `netns`; the first row holds until the link is started.

        Returns what carries them, for people. `seed` is the run's; `company` is how many links come together.

        :raises WorldError: there is no room for it; the message says the sum.
        :raises KernelError: the kernel refused something.
        """

    async def arm(self, slots: Sequence[int], t0_ns: int) -> None:
        """Start the scenarios of links at `t0_ns`: of all, or of none.

        :raises KernelError: T0 has passed, or one of them has started already.
        """

    async def trigger(self, slot: int) -> None:
        """Start a link's scenario at the first frame that its plan's `start` asks for.

        :raises KernelError: it has started already.
        """

    async def change(self, slot: int, wanted: LinkChange, by: str) -> AppliedChange:
        """Change a link that runs, in both directions at once; since when that holds.

        :raises UserError: it cannot be changed so, or not yet.
        :raises WorldError: there is no room for the frames that would be inside, or it was never in time.
        """

    def plan_of(self, slot: int) -> LinkPlan:
        """What the link in `slot` follows now, with all changes."""

    async def watch(self, gap_ns: int) -> None:
        """Have workers write down every gap longer than `gap_ns`, until they have no links any more."""

    async def note(self, slots: Sequence[int], t0_ns: int, interval_ns: int) -> None:
        """Note what links have counted at `t0_ns`, which is to come, and every `interval_ns` after it, for `take`.

        :raises KernelError: T0 has passed.
        """

    async def settle(self, slots: Sequence[int], at_ns: int) -> list[tuple[int, int]]:
        """Of each of `slots`: how many frames should have left by `at_ns`, and since when the first was due (or 0)."""

    async def remove(self, slot: int) -> None:
        """End a link; what is inside is lost. Its statistics stay readable until the slot is used again.

        :raises KernelError: there is none.
        """

    def read(self, slot: int) -> LinkStats:
        """What the link has counted since it was added; costs its workers nothing."""

    @property
    def readable(self) -> bool:
        """Whether statistics can be read: until `close`, also after it died."""

    def start_of(self, slot: int) -> tuple[int, int]:
        """When the scenario of a link is to start, and when it did; 0: not known. Both as in `LinkStats`."""

    def take(self, slots: tuple[int, ...]) -> list[Snapshot]:
        """What was noted of links and not taken yet, numbered as in `slots`; costs its workers nothing."""

    def noted(self, slot: int, stats: LinkStats) -> LinkStats:
        """`stats` with histograms as they were at the last instants that were noted."""

    def packet_log(self, slot: int) -> PacketLog | None:
        """The link's log, if its plan asks for one; readable until the link is removed, even if the data plane dies."""

    def worker_of(self, slot: int) -> int:
        """The number of the worker that serves the link in `slot`."""

    def heartbeat(self, worker: int) -> WorkerBeat:
        """What the worker shows of its life; costs it nothing."""

    async def close(self) -> None:
        """End all its links and itself; may be called twice, and after it died.

        :raises KernelError: it is still there.
        """


async def start_data_plane(ledger: Ledger, slots: int, options: ForwarderOptions | None = None) -> DataPlane:
    """Start one with room for `slots` links.

    :raises KernelError: it cannot be started.
    """
    return await ForwarderClient.spawn(ledger, slots, options)
