"""Takes a study as far as it goes, on this machine or at a controller: from where the last process left it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from plctl.common import __version__
from plctl.common.base.background import background
from plctl.common.base.clock import Clock, RealClock
from plctl.common.base.errors import PlctlError
from plctl.common.base.units import NS_PER_MS
from plctl.common.client.config import ControllerAccess
from plctl.common.client.controller_client import connect
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.protocol.requests import PlacementPolicy
from plctl.controller.launch.local_host import local_host, unwatched
from plctl.controller.launch.run_page import study_page
from plctl.controller.launch.study_carriers import Carrier, LocalCarrier, RemoteCarrier
from plctl.controller.launch.study_driver import StudyDriver
from plctl.controller.launch.study_recovery import recover
from plctl.controller.study.cells import Study
from plctl.controller.study.course import Standing, StudyCourse
from plctl.controller.study_folder.attempts import Attempt, by_digest
from plctl.controller.study_folder.journal import StudyEntry, StudyJournal, open_journal, read_journal
from plctl.controller.study_folder.study_reader import CANCEL_NAME, RUNS_NAME
from plctl.controller.study_folder.study_writer import make_study_folder, now_utc, write_study
from plctl.controller.view.progress import progress
from plctl.controller.view.screen import Screen, say, tell_where
from plctl.controller.view.study.study_now import StudyNow, study_now
from plctl.controller.view.study.study_view import StudyView

if TYPE_CHECKING:
    from plctl.controller.web.server import WebOptions
    from plctl.controller.web.sources.embedded_source import EmbeddedSource

_TICK_NS = 500 * NS_PER_MS
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CANCELLED = "plctl study cancel"
_STILL = "still ending what runs; nothing is lost by waiting"


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """How a study is carried, beside what its file says."""

    again: bool = False  #: run once more what ended not ok
    parallel: int | None = None  #: runs at once, in place of the study's; 0: as many as there is room for
    forwarder: ForwarderOptions | None = None  #: of this machine
    policy: PlacementPolicy = "spread"  #: of a controller
    page: WebOptions | None = None  #: how the live page is served while it is carried here; None: not at all


@dataclass(frozen=True, slots=True)
class StudyOutcome:
    """How far the study got."""

    now: StudyNow
    folder: Path
    stopped: str = ""  #: why it was left before its end


def run_study(
    study: Study, base: Path, access: ControllerAccess | None, console: Screen, options: StudyOptions
) -> StudyOutcome:
    """Run what there is no run of yet, and keep all of it in the study's folder below `base`.

    :param access: the controller whose hosts carry it; None: this machine.
    :raises BusyError: another process carries this study.
    :raises UserError: the machine or the controller cannot carry it, or refuses to.
    :raises WorldError: the folder cannot be written, or the controller is lost.
    """
    folder = base / study.record.study
    make_study_folder(folder)
    with open_journal(folder) as journal:
        (folder / CANCEL_NAME).unlink(missing_ok=True)
        write_study(folder, study.record, study.text, study.sources)
        return asyncio.run(_Run(study, folder, journal, console, options).carry(access))


class _Run:
    """One life of a study."""

    def __init__(
        self, study: Study, folder: Path, journal: StudyJournal, console: Screen, options: StudyOptions
    ) -> None:
        self._study = study
        self._folder = folder
        self._journal = journal
        self._console = console
        self._options = options
        self._clock: Clock = RealClock()
        self._stopped = ""

    async def carry(self, access: ControllerAccess | None) -> StudyOutcome:
        going_on = recover(self._folder, self._journal, access.address if access else "")
        again = self._options.again
        course = StudyCourse(self._study.record, by_digest(read_journal(self._folder)), again=again)
        if course.next() is None and not going_on:
            return self._outcome()
        controller = access.address if access else ""
        self._journal.add(StudyEntry(now_utc(), "opened", controller=controller, version=__version__))
        cause = ""
        try:
            async with self._page() as page, self._carrier(access, page) as carrier:
                await self._drive(course, carrier, going_on, page)
        except PlctlError as error:
            cause = str(error)
            raise
        finally:
            recover(self._folder, self._journal, controller)
            self._journal.add(StudyEntry(now_utc(), "closed", cause=cause or self._stopped))
        return self._outcome()

    def _outcome(self) -> StudyOutcome:
        now = study_now(self._study.record, read_journal(self._folder), goes_on=False)
        return StudyOutcome(now, self._folder, self._stopped)

    def _page(self) -> AbstractAsyncContextManager[EmbeddedSource | None]:
        tell = partial(tell_where, self._console)
        return study_page(self._folder, self._options.page, tell)

    @asynccontextmanager
    async def _carrier(self, access: ControllerAccess | None, page: EmbeddedSource | None) -> AsyncIterator[Carrier]:
        runs = self._folder / RUNS_NAME
        if access:
            tell = partial(say, self._console)
            async with connect(access, tell) as client:
                yield RemoteCarrier(client, runs, self._options.policy, self._clock, tell)
        else:
            async with local_host(self._options.forwarder, self._clock) as host:
                yield LocalCarrier(host, runs, page.add if page else unwatched)

    async def _drive(
        self, course: StudyCourse, carrier: Carrier, going_on: list[Attempt], page: EmbeddedSource | None
    ) -> None:
        study, options = self._study, self._options
        waiting = [d for d in study.requests if course.standing(d) is Standing.WAITING]
        firsts = {study.requests[digest].labels["cell"]: study.requests[digest] for digest in waiting}
        with progress("finding a place for each cell") as tell:
            for number, request in enumerate(firsts.values(), 1):
                await carrier.check(request)
                tell(number, len(firsts))
        parallel = study.parallel if options.parallel is None else options.parallel
        entries = read_journal(self._folder)
        with StudyView(self._console, study.record, entries, again=options.again) as view:
            driver = StudyDriver(
                study.requests, course, self._folder, self._journal,
                carrier=carrier, watcher=view, clock=self._clock, parallel=parallel,
            )  # fmt: skip
            if page:
                page.begin_study(partial(self._stop, driver))
            with self._signals(driver):
                async with background() as tasks:
                    tasks.create_task(self._look_around(view, driver))
                    await driver.adopt(going_on, study.record.study)
                    await driver.drive()

    @contextmanager
    def _signals(self, driver: StudyDriver) -> Iterator[None]:
        """The first signal ends the study in good order, further ones do no harm; one that is ignored stays so."""
        loop = asyncio.get_running_loop()
        heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in heard:
            loop.add_signal_handler(number, self._stop, driver, number.name)
        try:
            yield
        finally:
            for number in heard:
                loop.remove_signal_handler(number)

    def _stop(self, driver: StudyDriver, cause: str) -> None:
        if self._stopped:
            say(self._console, _STILL)
            return
        self._stopped = cause
        say(self._console, "ending what runs; the same command goes on with the study …")
        driver.stop(cancel=cause == CANCELLED)

    async def _look_around(self, view: StudyView, driver: StudyDriver) -> None:
        """Let the clock on the screen go on, and hear of `plctl study cancel`."""
        cancel = self._folder / CANCEL_NAME
        while True:
            view.tick()
            if cancel.exists():
                cancel.unlink(missing_ok=True)
                self._stop(driver, CANCELLED)
            await self._clock.sleep_until(self._clock.monotonic_ns() + _TICK_NS)
