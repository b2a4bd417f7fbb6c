"""What carries the runs of a study: this machine, or the hosts of a controller."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from plctl.common.base.clock import Clock, RealClock
from plctl.common.base.errors import KernelError, WorldError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.client.controller_client import Client, RefusedError
from plctl.common.host.caller import give_to_caller
from plctl.common.plan.run_request import RunRequest, check_hosts
from plctl.common.protocol import requests as rq
from plctl.controller.launch.local_agent import LOCAL_HOST
from plctl.controller.launch.local_host import LocalHost, Watch, unwatched
from plctl.controller.launch.remote_run import SUBMIT_SECONDS
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.results.run_reader import read_record
from plctl.controller.results.run_record import RunRecord
from plctl.controller.study_folder.study_reader import DIGEST_LABEL, STUDY_LABEL
from plctl.controller.view.fetch import fetch
from plctl.controller.view.follow import is_over
from plctl.controller.view.remote_runs import RemoteRuns

#: Between two questions about a run.
_ASK_NS = 400 * NS_PER_MS
#: How long a controller may be away.
_AWAY_NS = 600 * NS_PER_S
_AGAIN_NS = 2 * NS_PER_S
#: Runs that are looked through for those of a study that go on.
_LISTED = 1000

#: Told of a run's id as soon as it has one.
Begun = Callable[[str], None]


class Carrier(Protocol):
    """Takes one request through a run; several at once where it has room."""

    controller: str  #: its address; empty: this machine
    most: int  #: runs at once, where nobody says how many

    async def check(self, request: RunRequest) -> None:
        """Return if it could be run, if it had all the room there is.

        :raises UserError: it could not.
        """

    async def has_room(self, request: RunRequest) -> bool:
        """Whether it could begin at once, beside what goes on."""

    async def carry(self, request: RunRequest, begun: Begun) -> RunRecord:
        """Run it to its verdict; its folder is then here."""

    async def follow(self, run: str) -> RunRecord:
        """Wait for a run that goes on; its folder is then here."""

    async def cancel(self, run: str) -> None:
        """End a run that would go on without us."""

    async def going_on(self, study: str) -> Iterable[tuple[str, str]]:
        """Digest and id of each run of `study` that goes on without us."""


@dataclass(slots=True)
class LocalCarrier:
    """This machine: what else runs on it disturbs a run, so it carries one at a time unless somebody asks for more."""

    host: LocalHost
    runs: Path
    watch: Watch = unwatched
    controller: str = ""
    most: int = 1

    async def check(self, request: RunRequest) -> None:
        check_hosts(request, [LOCAL_HOST])

    async def has_room(self, request: RunRequest) -> bool:  # noqa: ARG002  (as `Carrier` has it)
        return True

    async def carry(self, request: RunRequest, begun: Begun) -> RunRecord:
        record, _ = await self.host.run(request, self.runs, begun=begun, watch=self.watch)
        return record

    async def follow(self, run: str) -> RunRecord:
        raise AssertionError(f"{run} cannot go on without us")

    async def cancel(self, run: str) -> None:
        """It ends with its task."""

    async def going_on(self, study: str) -> Iterable[tuple[str, str]]:  # noqa: ARG002  (as `Carrier` has it)
        return ()


class RemoteCarrier:
    """The hosts of the controller at the other end of `client`; results are copied to `runs`."""

    most = 64

    def __init__(
        self,
        client: Client,
        runs: Path,
        policy: rq.PlacementPolicy = "spread",
        clock: Clock | None = None,
        tell: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        """`tell` hears what is waited for."""
        self.controller = client.address
        self._client = client
        self._source = RemoteRuns(client, client.address)
        self._runs = runs
        self._policy: rq.PlacementPolicy = policy
        self._clock = clock or RealClock()
        self._tell = tell

    async def check(self, request: RunRequest) -> None:
        await self._client.ask(rq.Submit(request, self._policy, plan_only=True), rq.Submitted, SUBMIT_SECONDS)

    async def has_room(self, request: RunRequest) -> bool:
        """Whether it could begin at once; a controller that is away for a while is waited for.

        :raises WorldError: it is away for too long.
        """
        try:
            return not (await self._ask(rq.Submit(request, self._policy, plan_only=True))).waits
        except RefusedError:  # it was checked: hosts are away, as those of a controller that was just started again
            return False

    async def carry(self, request: RunRequest, begun: Begun) -> RunRecord:
        """As `Carrier` has it; a controller that is away for a while is waited for, and so are its hosts.

        :raises UserError: it is refused for too long.
        :raises WorldError: the controller is away for too long.
        """
        submit = rq.Submit(request, self._policy, command=tuple(sys.argv), report=False)
        deadline_ns, told = self._clock.monotonic_ns() + _AWAY_NS, ""
        while True:
            try:
                run = (await self._ask(submit)).run
                break
            except RefusedError as error:
                if self._clock.monotonic_ns() > deadline_ns:
                    raise
                if str(error) != told:
                    told = str(error)
                    self._tell(f"the controller has no place now: {told}; trying again")
                await self._pause(_AGAIN_NS)
        begun(run)
        return await self.follow(run)

    async def _ask(self, submit: rq.Submit) -> rq.Submitted:
        """The answer. While the controller is away the question keeps its number, so it has one effect at most."""
        return await self._client.ask(submit, rq.Submitted, _AWAY_NS / NS_PER_S)

    async def follow(self, run: str) -> RunRecord:
        """Wait for `run`; a controller that is away for a while is waited for, too.

        :raises WorldError: it is away for too long.
        :raises UserError: it knows no such run.
        """
        heard_ns = self._clock.monotonic_ns()
        while True:
            try:
                if is_over(await self._source.state(run)):
                    folder = await fetch(self._source, run, self._runs, lambda _here, _total: None)
                    await asyncio.to_thread(give_to_caller, folder)
                    return read_record(folder)
                heard_ns = self._clock.monotonic_ns()
                await self._pause(_ASK_NS)
            except KernelError:  # of this machine, as when its disk is full
                raise
            except WorldError:
                if self._clock.monotonic_ns() - heard_ns > _AWAY_NS:
                    raise
                await self._pause(_AGAIN_NS)

    async def cancel(self, run: str) -> None:
        await self._client.ask(rq.Cancel(run, "its study was cancelled"), rq.Done)

    async def going_on(self, study: str) -> Iterable[tuple[str, str]]:
        listed = (await self._client.ask(rq.ListRuns(_LISTED), rq.Runs)).runs
        return [
            (each.labels[DIGEST_LABEL], each.run)
            for each in listed
            if each.phase != RunPhase.DONE
            and each.submitted_by == self._client.name
            and each.labels.get(STUDY_LABEL) == study
            and DIGEST_LABEL in each.labels
        ]

    async def _pause(self, ns: int) -> None:
        await self._clock.sleep_until(self._clock.monotonic_ns() + ns)
