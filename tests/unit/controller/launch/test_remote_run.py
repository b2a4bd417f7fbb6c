"""A run of a controller from a client's side: submitted once, followed, fetched, or left alone."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from support.fake_controller import client_of
from support.synthetic_run import RUN, T0_NS, handover_plan, make_run

from plctl.common.client.controller_client import RefusedError
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq
from plctl.controller.launch.follow_options import FollowOptions
from plctl.controller.launch.remote_run import FollowOutcome, carry_through

REQUEST = RunRequest("handover", 1, (LinkRequest(handover_plan()),))
SUBMITTED = rq.Submitted(RUN, (rq.Assignment("leo-0", "edge-1", 1, 1),), ("h2 has gone",))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The results of a finished run, where the controller is."""
    with make_run(tmp_path / "there", artifacts={"client.stdout": b"out"}) as folder:
        return folder.path


def controller(folder: Path, asked: list[rq.ClientRequest]) -> Callable[[rq.ClientRequest], m.Message]:
    """The answers of a controller with one run, which is over as soon as it was submitted."""
    info = rq.RunInfo(RUN, "handover", "done", "ada", "", 1, ("edge-1",), "ok")
    files = tuple(
        rq.FileInfo(str(p.relative_to(folder)), p.stat().st_size) for p in sorted(folder.rglob("*")) if p.is_file()
    )

    def answer(request: rq.ClientRequest) -> m.Message:
        asked.append(request)
        match request:
            case rq.Submit():
                return SUBMITTED
            case rq.ReadRun():
                return rq.RunState(info, 1, T0_NS, T0_NS + 1, (rq.LinkState("leo-0", "edge-1", "finished"),))
            case rq.ListFiles():
                return rq.Files(files)
            case rq.ReadFile(_, path, offset, length):
                data = (folder / path).read_bytes()
                return rq.FilePart(data[offset : offset + length], offset, len(data), over=True)
        return m.Refused("that was not to be asked")

    return answer


async def carry(
    answer: Callable[[rq.ClientRequest], m.Message], order: FollowOptions
) -> tuple[FollowOutcome, str, list[str]]:
    """What became of it, what was shown, and the runs that are known to have begun."""
    console = Console(file=io.StringIO(), width=200)
    begun: list[str] = []
    async with client_of(answer) as client:
        outcome = await carry_through(client, REQUEST, order, console, begun)
    assert isinstance(console.file, io.StringIO)
    return outcome, console.file.getvalue(), begun


async def test_a_run_is_submitted_once_followed_and_fetched(there: Path, tmp_path: Path) -> None:
    """Its folder is then here, as if it had run here; warnings and the way out are shown."""
    asked: list[rq.ClientRequest] = []
    outcome, shown, begun = await carry(
        controller(there, asked), FollowOptions("pack", force=True, fetch_to=tmp_path / "runs")
    )
    (submit,) = [request for request in asked if isinstance(request, rq.Submit)]
    assert (REQUEST, "pack", True, False) == (submit.request, submit.policy, submit.force, submit.plan_only)
    assert (SUBMITTED, "ok", tmp_path / "runs" / RUN) == (
        outcome.submitted,
        outcome.record and outcome.record.verdict,
        outcome.folder,
    )
    assert b"out" == (tmp_path / "runs" / RUN / "artifacts/leo-0/client.stdout").read_bytes()
    assert [RUN] == begun
    assert f"warning: h2 has gone\nrun {RUN} on edge-1; Ctrl-C leaves it alone\n" in shown


async def test_results_may_stay_where_they_are(there: Path, tmp_path: Path) -> None:
    """Then only what is needed for the verdicts is read."""
    asked: list[rq.ClientRequest] = []
    outcome, _, _ = await carry(controller(there, asked), FollowOptions())
    assert (None, True) == (outcome.folder, outcome.record is not None)
    assert {"run.json"} == {request.path for request in asked if isinstance(request, rq.ReadFile)}
    assert [there.parent] == list(tmp_path.iterdir())


async def test_a_detached_run_is_not_waited_for(there: Path) -> None:
    """Nothing is asked after it was submitted."""
    asked: list[rq.ClientRequest] = []
    outcome, _, _ = await carry(controller(there, asked), FollowOptions(detach=True))
    assert FollowOutcome(SUBMITTED) == outcome
    assert [rq.Submit] == [type(request) for request in asked]


async def test_a_refused_run_has_not_begun() -> None:
    """The controller's reason is the error."""
    with pytest.raises(RefusedError, match="link leo-0 fits on no host"):
        await carry(lambda _: m.Refused("link leo-0 fits on no host"), FollowOptions())


async def test_leaving_in_the_middle_knows_the_run(there: Path) -> None:
    """So that the user can be told how to come back."""
    base = controller(there, [])

    def answer(request: rq.ClientRequest) -> m.Message:
        if isinstance(request, rq.ReadRun):
            following.cancel()
        return base(request)

    begun: list[str] = []
    async with client_of(answer) as client:
        work = carry_through(client, REQUEST, FollowOptions(), Console(file=io.StringIO()), begun)
        following = asyncio.create_task(work)
        with pytest.raises(asyncio.CancelledError):
            await following
    assert [RUN] == begun
