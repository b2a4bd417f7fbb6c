"""A study is driven as its course says, over whatever carries it; what was left is told from what ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.studies.tiny_study import TinyStudy, verdicts

from plctl.common.base.clock import RealClock
from plctl.common.base.errors import UserError, WorldError
from plctl.common.plan.run_request import RunRequest
from plctl.controller.launch.study_driver import NOT_ASKED_FOR, StudyDriver
from plctl.controller.launch.study_recovery import BROKEN_OFF, recover
from plctl.controller.results.run_record import RunRecord, to_json
from plctl.controller.study.cells import Study, load_study
from plctl.controller.study.course import Standing, StudyCourse, in_order
from plctl.controller.study_folder.journal import StudyEntry, StudyJournal, open_journal
from plctl.controller.study_folder.study_writer import make_study_folder

#: Turns of the loop in which whatever needs no time happens.
_TURNS = 50
T = "2026-11-28T05:00:00.000000Z"


class FakeCarrier:
    """Stands for hosts: a run ends when the test says with what. What a real one does is tested in tests/live."""

    most = 64

    def __init__(self, room: int, controller: str = "", first: int = 1) -> None:
        """`first` is the number of its first run."""
        self.controller = controller
        self.room = room
        self.running: dict[str, asyncio.Future[str]] = {}  # by digest
        self.cancelled: list[str] = []
        self.others: list[tuple[str, str]] = []
        self._runs = first - 1
        self.away = False  #: nothing is answered

    async def check(self, request: RunRequest) -> None:
        """Whatever is asked."""

    async def has_room(self, request: RunRequest) -> bool:  # noqa: ARG002
        if self.away:
            await asyncio.get_running_loop().create_future()
        return len(self.running) < self.room

    async def carry(self, request: RunRequest, begun: Callable[[str], None]) -> RunRecord:
        if self.away:
            await asyncio.get_running_loop().create_future()
        self._runs += 1
        begun(f"run-{self._runs}")
        return await self._until_told(request.labels["digest"], f"run-{self._runs}")

    async def follow(self, run: str) -> RunRecord:
        return await self._until_told(run, run)

    async def cancel(self, run: str) -> None:
        self.cancelled.append(run)

    async def going_on(self, study: str) -> Iterable[tuple[str, str]]:
        assert study == "tiny"
        return self.others

    async def _until_told(self, key: str, run: str) -> RunRecord:
        future = self.running[key] = asyncio.get_running_loop().create_future()
        try:
            verdict = await future
        finally:
            del self.running[key]
        if verdict == "unknown":
            raise UserError("there is no such run")
        if verdict == "broken":
            raise WorldError("the disk is full")
        return RunRecord(run, "tiny", 0, (), verdict=verdict)


class Seen:
    """What a watcher heard."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Standing | None]] = []

    def note(self, entry: StudyEntry, standing: Standing | None = None) -> None:
        self.entries.append((entry.verdict or entry.event, standing))


class Driven:
    """A driver of the tiny study over a fake carrier."""

    def __init__(self, tiny: TinyStudy, study: Study, journal: StudyJournal) -> None:
        self.tiny, self.study, self.journal = tiny, study, journal
        self.seen = Seen()

    def driver(self, carrier: FakeCarrier, parallel: int = 0) -> StudyDriver:
        """One that goes on from what the journal says."""
        self.course = StudyCourse(self.study.record, self.tiny.attempts())
        return StudyDriver(
            self.study.requests, self.course, self.tiny.folder, self.journal,
            carrier=carrier, watcher=self.seen, clock=RealClock(), parallel=parallel,
        )  # fmt: skip

    def verdicts(self) -> list[list[str]]:
        """Of each repetition that was run."""
        return [verdicts(runs) for runs in self.tiny.attempts().values()]


@pytest.fixture
def driven(tmp_path: Path) -> Iterator[Driven]:
    """The tiny study with an empty journal."""
    tiny = TinyStudy(tmp_path)
    make_study_folder(tiny.folder)
    with open_journal(tiny.folder) as journal:
        yield Driven(tiny, load_study(tiny.file), journal)


async def until(condition: Callable[[], object]) -> None:
    """Return once `condition` holds, which takes the loop some turns."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def settled() -> None:
    """Return once everything has happened that needs no time."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def driving(work: Coroutine[Any, Any, None], carrier: FakeCarrier, verdict: Callable[[str], str]) -> None:
    """Let `work` go on, and each run end with the verdict that `verdict` has for it as soon as nothing else happens."""
    task = asyncio.create_task(work)
    while not task.done():
        await until(lambda: carrier.running or task.done())
        await settled()  # whatever else there is room for begins, too
        for digest, future in list(carrier.running.items()):
            if not future.done():
                future.set_result(verdict(digest))
    await task


async def test_each_repetition_is_run_and_what_is_late_again(driven: Driven) -> None:
    """Never more at once than there is room; the journal has all of it."""
    carrier, most = FakeCarrier(room=2), []

    def late_first(digest: str) -> str:
        most.append(len(carrier.running))
        return "ok" if digest in driven.tiny.attempts() and len(driven.tiny.attempts()[digest]) > 1 else "late"

    await driving(driven.driver(carrier).drive(), carrier, late_first)
    assert 2 == max(most)
    assert [["late", "ok"]] * 6 == driven.verdicts()
    assert ("late", Standing.WAITING) in driven.seen.entries
    assert 6 == driven.seen.entries.count(("ok", Standing.OK))


async def test_a_number_of_runs_at_once_is_a_limit_where_there_is_more_room(driven: Driven) -> None:
    """Of this study only."""
    carrier = FakeCarrier(room=64)
    driver = driven.driver(carrier, parallel=3)
    task = asyncio.create_task(driver.drive())
    await until(lambda: len(carrier.running) == 3)
    await settled()
    assert in_order(driven.study.record)[:3] == list(carrier.running)
    driver.stop()
    await task
    assert [["left"]] * 3 == driven.verdicts()


async def test_stopping_leaves_what_runs_at_a_controller(driven: Driven) -> None:
    """And the next process follows it, also a run that was submitted but not entered any more."""
    carrier = FakeCarrier(room=2, controller="tcp://c:1")
    driver = driven.driver(carrier)
    task = asyncio.create_task(driver.drive())
    await until(lambda: len(carrier.running) == 2)
    driver.stop()
    await task
    assert [] == carrier.cancelled
    going_on = recover(driven.tiny.folder, driven.journal, "tcp://c:1")
    assert ["run-1", "run-2"] == [attempt.run for attempt in going_on]
    first, second, third, *_ = in_order(driven.study.record)
    again = FakeCarrier(room=3, controller="tcp://c:1", first=20)
    again.others = [(first, "run-1"), (third, "run-9"), ("unknown", "run-8")]
    driver = driven.driver(again)
    await driver.adopt(going_on, "tiny")
    await driving(driver.drive(), again, lambda _: "ok")
    runs = {digest: [run.run for run in each] for digest, each in driven.tiny.attempts().items()}
    assert (["run-1"], ["run-2"], ["run-9"]) == (runs[first], runs[second], runs[third])
    assert [["ok"]] * 6 == driven.verdicts()


@pytest.mark.parametrize("running", [0, 1])
@pytest.mark.parametrize("cancel", [False, True])
async def test_stopping_waits_for_no_controller_that_is_away(driven: Driven, *, running: int, cancel: bool) -> None:
    """Neither for an answer about room nor for a run that was submitted and has no id yet."""
    carrier = FakeCarrier(room=2, controller="tcp://c:1")
    carrier.away = not running
    driver = driven.driver(carrier)
    task = asyncio.create_task(driver.drive())
    await until(lambda: len(carrier.running) == 2 * running)
    carrier.away = True
    await settled()
    driver.stop(cancel=cancel)
    for future in carrier.running.values():
        if cancel:
            future.set_result("cancelled")
    async with asyncio.timeout(10):
        await task
    assert [["cancelled" if cancel else "left"]] * 2 * running == driven.verdicts()


async def test_how_long_a_run_took_that_another_process_began_is_not_known(driven: Driven) -> None:
    """It may have been over for a day: no estimate is to rest on it."""
    digest = in_order(driven.study.record)[0]
    driven.journal.add(StudyEntry(T, "begun", "run-1", digest, "c", 1, controller="tcp://c:1"))
    carrier = FakeCarrier(room=1, controller="tcp://c:1", first=20)
    driver = driven.driver(carrier)
    await driver.adopt(recover(driven.tiny.folder, driven.journal, "tcp://c:1"), "tiny")
    await driving(driver.drive(), carrier, lambda _: "ok")
    walls = {run.run: run.wall_ns for runs in driven.tiny.attempts().values() for run in runs}
    assert 0 == walls.pop("run-1")
    assert 5 == len(walls)
    assert all(walls.values())


async def test_cancelling_ends_what_runs_at_a_controller(driven: Driven) -> None:
    """And waits until it is over, so that its results are here."""
    carrier = FakeCarrier(room=1, controller="tcp://c:1")
    driver = driven.driver(carrier)
    task = asyncio.create_task(driver.drive())
    await until(lambda: carrier.running)
    driver.stop(cancel=True)
    await until(lambda: carrier.cancelled)
    (future,) = carrier.running.values()
    future.set_result("cancelled")
    await task
    assert ["run-1"] == carrier.cancelled
    assert [["cancelled"]] == driven.verdicts()


async def test_a_run_that_cannot_be_made_ends_the_study_after_the_others(driven: Driven) -> None:
    """What goes on beside it comes to its verdict; nothing more is begun."""
    carrier = FakeCarrier(room=2)
    task = asyncio.create_task(driven.driver(carrier).drive())
    await until(lambda: len(carrier.running) == 2)
    await settled()
    first, second = carrier.running.values()
    first.set_result("broken")
    await until(lambda: len(carrier.running) == 1)
    second.set_result("ok")
    with pytest.raises(WorldError, match="the disk is full"):
        await task
    assert [["left"], ["ok"]] == driven.verdicts()


async def test_runs_that_are_not_asked_for_any_more_are_ended(driven: Driven) -> None:
    """After an edit, a run that goes on for nobody."""
    driven.journal.add(StudyEntry(T, "begun", "run-1", "old", "c", 1, controller="tcp://c:1"))
    going_on = recover(driven.tiny.folder, driven.journal, "tcp://c:1")
    carrier = FakeCarrier(room=1, controller="tcp://c:1")
    await driven.driver(carrier).adopt(going_on, "tiny")
    assert ["run-1"] == carrier.cancelled
    ((attempt,),) = driven.tiny.attempts().values()
    assert (True, NOT_ASKED_FOR) == (attempt.left, attempt.cause)


async def test_a_run_that_its_controller_knows_no_more_is_made_again(driven: Driven) -> None:
    """As after the controller lost its journal; the study goes on."""
    digest = in_order(driven.study.record)[0]
    driven.journal.add(StudyEntry(T, "begun", "run-1", digest, "c", 1, controller="tcp://c:1"))
    going_on = recover(driven.tiny.folder, driven.journal, "tcp://c:1")
    carrier = FakeCarrier(room=1, controller="tcp://c:1", first=20)
    driver = driven.driver(carrier)
    await driver.adopt(going_on, "tiny")
    await driving(driver.drive(), carrier, lambda key: "unknown" if key == "run-1" else "ok")
    assert ["left", "ok"] == verdicts(driven.tiny.attempts()[digest])
    assert 5 == driven.verdicts().count(["ok"])


def test_what_a_killed_process_left_is_judged_or_set_aside(driven: Driven) -> None:
    """A run with a verdict counts; one without, or one that no line names, is moved out of the way."""
    runs = driven.tiny.folder / "runs"
    for run, verdict in (("run-1", "ok"), ("run-2", ""), ("run-3", "")):
        (runs / run).mkdir()
        (runs / run / "events.jsonl").touch()
        record = RunRecord(run, "tiny", 0, (), verdict=verdict, cause="")
        (runs / run / "run.json").write_text(to_json(record))
        if run != "run-3":
            driven.journal.add(StudyEntry(T, "begun", run, f"digest-{run}", "c", 1))
    driven.journal.add(StudyEntry(T, "begun", "run-4", "digest-run-4", "c", 1))  # whose folder was never made
    assert [] == recover(driven.tiny.folder, driven.journal)
    found = {digest: runs[0] for digest, runs in driven.tiny.attempts().items()}
    assert "ok" == found["digest-run-1"].verdict
    assert [BROKEN_OFF] * 2 == [found[f"digest-run-{n}"].cause for n in (2, 4)]
    assert {"run-1"} == {path.name for path in runs.iterdir()}
    assert {"run-2", "run-3"} == {path.name for path in (driven.tiny.folder / "unfinished").iterdir()}


def test_runs_of_a_controller_that_is_not_asked_now_are_given_up(driven: Driven) -> None:
    """They may end there; here they will be made again."""
    driven.journal.add(StudyEntry(T, "begun", "run-1", "d", "c", 1, controller="tcp://c:1"))
    assert [] == recover(driven.tiny.folder, driven.journal, "tcp://other:1")
    ((attempt,),) = driven.tiny.attempts().values()
    assert attempt.left
    assert "the controller at tcp://c:1, which is not asked now" in attempt.cause
