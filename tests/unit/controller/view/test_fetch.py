"""A run's folder is copied whole or not taken for whole, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.synthetic_run import RUN, handover_plan, make_run, plan_record

from plctl.common.base.errors import ProtocolError, UserError, WorldError
from plctl.common.protocol import requests as rq
from plctl.controller.view.fetch import fetch
from plctl.controller.view.local_runs import LocalRuns

#: Longer than a part, and no multiple of one.
OUTPUT = bytes(range(256)) * 12_289
NO_PROGRESS: Callable[[int, int], None] = lambda _here, _total: None  # noqa: E731


class Counted(LocalRuns):
    """Folders that stand for a controller's, and what is read of them."""

    def __init__(self, base: Path, *, breaks_after: int = 10**9) -> None:
        super().__init__(base)
        self.reads: list[str] = []
        self.breaks_after = breaks_after

    async def read(self, run: str, path: str, offset: int = 0, length: int = rq.MAX_FILE_PART) -> rq.FilePart:
        self.reads.append(path)
        if len(self.reads) > self.breaks_after:
            raise WorldError("lost the controller")
        return await super().read(run, path, offset, length)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A finished run with a long output."""
    with make_run(tmp_path / "there", artifacts={"client.stdout": OUTPUT, "client.stderr": b""}) as folder:
        return folder.path


def contents(folder: Path) -> dict[str, bytes]:
    """All files by their paths."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


async def test_a_copy_is_the_same_folder(there: Path, tmp_path: Path) -> None:
    """Every byte of every file, empty ones too, and the progress ends at all of them."""
    steps: list[tuple[int, int]] = []
    copy = await fetch(LocalRuns(there.parent), RUN, tmp_path / "here", lambda *step: steps.append(step))
    assert tmp_path / "here" / RUN == copy
    assert contents(there) == contents(copy)
    total = sum(map(len, contents(there).values()))
    assert (total, total) == steps[-1]
    assert steps == sorted(steps)


async def test_a_copy_that_broke_off_goes_on(there: Path, tmp_path: Path) -> None:
    """What is here is not read again, and without run.json nobody takes the folder for a run's."""
    broken = Counted(there.parent, breaks_after=2)
    with pytest.raises(WorldError, match="lost the controller"):
        await fetch(broken, RUN, tmp_path, NO_PROGRESS)
    here = contents(tmp_path / RUN)
    assert "run.json" not in here
    assert any(name.endswith(".part") and data for name, data in here.items())
    again = Counted(there.parent)
    copy = await fetch(again, RUN, tmp_path, NO_PROGRESS)
    assert contents(there) == contents(copy)
    assert again.reads.count("artifacts/leo-0/client.stdout") == 2
    nothing_left = Counted(there.parent)
    await fetch(nothing_left, RUN, tmp_path, NO_PROGRESS)
    assert [] == nothing_left.reads


async def test_a_run_that_goes_on_is_not_fetched(tmp_path: Path) -> None:
    """Its files still change; the sentence says how to follow it."""
    with make_run(tmp_path / "there") as folder:
        folder.record_plan(plan_record((handover_plan(),)))
        with pytest.raises(UserError, match=f"goes on; follow it with: plctl show {RUN} --follow"):
            await fetch(LocalRuns(tmp_path / "there"), RUN, tmp_path, NO_PROGRESS)


@pytest.mark.parametrize("path", ["../outside", "/etc/outside", "a/../../outside", ""])
async def test_a_file_that_leads_out_of_the_folder_is_refused(there: Path, tmp_path: Path, path: str) -> None:
    """A controller has no say about the rest of this machine."""

    class Evil(LocalRuns):
        async def files(self, run: str) -> tuple[rq.FileInfo, ...]:  # noqa: ARG002
            return (rq.FileInfo(path, 4),)

    with pytest.raises(ProtocolError, match="does not belong into a folder"):
        await fetch(Evil(there.parent), RUN, tmp_path / "here", NO_PROGRESS)
    assert not (tmp_path / "here").exists()


async def test_a_file_that_changes_meanwhile_is_not_patched_together(there: Path, tmp_path: Path) -> None:
    """Two halves of two versions would be worse than none."""

    class Changing(LocalRuns):
        async def files(self, run: str) -> tuple[rq.FileInfo, ...]:
            return tuple(replace(file, size=file.size + 1) for file in await super().files(run) if file.size)

    with pytest.raises(WorldError, match="changed while it was fetched"):
        await fetch(Changing(there.parent), RUN, tmp_path / "here", NO_PROGRESS)


@pytest.mark.parametrize("run", ["../elsewhere", "..", "a/b"])
async def test_a_run_whose_name_leads_elsewhere_is_refused(there: Path, tmp_path: Path, run: str) -> None:
    """It is the controller that says what its runs are called."""

    class Misnaming(LocalRuns):
        def folder(self, run: str) -> Path:  # noqa: ARG002  (it has one run, whatever it is asked for)
            return there

    with pytest.raises(ProtocolError, match="cannot be the name of a folder here"):
        await fetch(Misnaming(there.parent), run, tmp_path / "here", NO_PROGRESS)
    assert not (tmp_path / "here").exists()
    assert not (tmp_path / "elsewhere").exists()
