"""What clients ask is answered once each, has one effect however often it comes, and harms nobody else."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from plctl.common.base.background import background
from plctl.common.base.clock import FakeClock
from plctl.common.base.errors import UserError, WorldError
from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq
from plctl.common.transport.hub_and_spoke import LocalHub, LocalSpoke, Peer
from plctl.common.transport.refusals import Refusal
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.service.dispatcher import MAX_UNDER_WAY, REMEMBERED_ANSWERS, RequestDispatcher, Requester


class Fixture:
    """A dispatcher that lists runs and cancels them, where cancelling waits until `gate` is open."""

    def __init__(self) -> None:
        self.hub = LocalHub()
        self.agent_hub = AgentHub(self.hub, FakeClock(), "c")
        self.dispatcher = RequestDispatcher({rq.ListRuns: self._list}, {rq.Cancel: self._cancel}, self.agent_hub.answer)
        self.agent_hub.set_request_handler(self.dispatcher.dispatch)
        self.gate = asyncio.Event()
        self.cancelled: list[Requester] = []

    async def serve(self) -> None:
        """Hear clients, and answer them."""
        async with background() as tasks:
            self.dispatcher.begin(tasks)
            await self.agent_hub.serve()

    def _list(self, request: rq.ListRuns) -> rq.Runs:
        if request.limit < 0:
            raise UserError("fewer than none")
        return rq.Runs(())

    async def _cancel(self, requester: Requester, request: rq.Cancel) -> rq.Done:
        self.cancelled.append(requester)
        await self.gate.wait()
        if request.run == "none":
            raise UserError("no such run")
        return rq.Done(request.run)


@pytest.fixture
async def fixture() -> AsyncIterator[Fixture]:
    """A dispatcher at work."""
    made = Fixture()
    serving = asyncio.create_task(made.serve())
    yield made
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def ask(spoke: LocalSpoke, number: int, request: rq.ClientRequest) -> None:
    """Send `request` under `number`."""
    await spoke.send(m.encode(m.Envelope(request, id=number)))


async def answer(spoke: LocalSpoke) -> tuple[int, m.Message]:
    """The next answer and what it answers."""
    envelope = m.decode(await asyncio.wait_for(spoke.receive(), 10), "controller")
    return envelope.reply_to, envelope.message


async def test_reading_is_answered_at_once_while_an_act_goes_on(fixture: Fixture) -> None:
    """A slow request keeps no other from its answer, and both quote their ids."""
    ada = fixture.hub.spoke("ada", "operator")
    await ask(ada, 1, rq.Cancel("r", "c"))
    await ask(ada, 2, rq.ListRuns())
    assert (2, rq.Runs(())) == await answer(ada)
    fixture.gate.set()
    assert (1, rq.Done("r")) == await answer(ada)


async def test_an_act_that_comes_again_has_one_effect(fixture: Fixture) -> None:
    """Two copies, during the act and after it: one effect, one answer to the first and one to the last."""
    ada = fixture.hub.spoke("ada", "operator")
    for _ in range(2):
        await ask(ada, 7, rq.Cancel("r", "c"))
    fixture.gate.set()
    assert (7, rq.Done("r")) == await answer(ada)
    await ask(ada, 7, rq.Cancel("r", "c"))
    assert (7, rq.Done("r")) == await answer(ada)
    assert [Requester("ada", 7)] == fixture.cancelled


async def test_the_same_id_of_another_client_is_another_request(fixture: Fixture) -> None:
    """Ids are each client's own."""
    fixture.gate.set()
    for name in ("ada", "bob"):
        spoke = fixture.hub.spoke(name, "operator")
        await ask(spoke, 7, rq.Cancel("r", "c"))
        await answer(spoke)
    assert [Requester("ada", 7), Requester("bob", 7)] == fixture.cancelled


@pytest.mark.parametrize(
    ("request_", "cause"), [(rq.Cancel("none", "c"), "no such run"), (rq.ListRuns(-1), "fewer than none")]
)
async def test_what_cannot_be_done_is_refused_with_its_sentence(
    fixture: Fixture, request_: rq.ClientRequest, cause: str
) -> None:
    """An error of ours becomes REFUSED with the same words."""
    fixture.gate.set()
    ada = fixture.hub.spoke("ada", "operator")
    await ask(ada, 3, request_)
    assert (3, m.Refused(cause)) == await answer(ada)


async def test_a_viewer_may_look_but_not_cancel(fixture: Fixture) -> None:
    """What a viewer may not ask is counted and has no effect."""
    eve = fixture.hub.spoke("eve", "viewer")
    await ask(eve, 1, rq.Cancel("r", "c"))
    await ask(eve, 2, rq.ListRuns())
    assert (2, rq.Runs(())) == await answer(eve)
    assert ([], {Refusal.FORBIDDEN: 1}) == (fixture.cancelled, fixture.agent_hub.refusals.counts)


async def test_a_request_without_an_id_is_counted(fixture: Fixture) -> None:
    """What could not be answered is not carried out either."""
    ada = fixture.hub.spoke("ada", "operator")
    await ask(ada, 0, rq.Cancel("r", "c"))
    await ask(ada, 1, rq.ListRuns())
    await answer(ada)
    assert ([], {Refusal.MALFORMED: 1}) == (fixture.cancelled, fixture.agent_hub.refusals.counts)


async def test_one_client_cannot_pile_up_work(fixture: Fixture) -> None:
    """Beyond a hundred requests under way the next is refused; another client's is not."""
    ada, bob = fixture.hub.spoke("ada", "operator"), fixture.hub.spoke("bob", "operator")
    for number in range(1, MAX_UNDER_WAY + 2):
        await ask(ada, number, rq.Cancel("r", "c"))
    number, refused = await answer(ada)
    assert MAX_UNDER_WAY + 1 == number
    assert isinstance(refused, m.Refused)
    fixture.gate.set()
    await ask(bob, 1, rq.Cancel("r", "c"))
    assert (1, rq.Done("r")) == await answer(bob)


async def test_ten_thousand_requests_are_all_answered_and_few_remembered(fixture: Fixture) -> None:
    """A flood of legal requests gets its answers, in order, and memory for no more than the last thousand."""
    fixture.gate.set()
    ada = fixture.hub.spoke("ada", "operator")
    for number in range(1, 10_001):
        await ask(ada, number, rq.ListRuns() if number % 10 else rq.Cancel("r", "c"))
        assert number == (await answer(ada))[0]
    assert 1000 == len(fixture.cancelled)
    assert REMEMBERED_ANSWERS >= len(fixture.dispatcher._answers)


async def test_an_answer_is_remembered_without_its_objects(fixture: Fixture) -> None:
    """That to a run of a thousand links is a thousand objects; as on the wire it takes a quarter of that."""
    fixture.gate.set()
    ada = fixture.hub.spoke("ada", "operator")
    for _ in range(2):
        await ask(ada, 1, rq.Cancel("remembered", "c"))
        assert (1, rq.Done("remembered")) == await answer(ada)
    assert 1 == len(fixture.cancelled)
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is rq.Done and each == rq.Done("remembered")]


async def test_a_client_that_left_disturbs_nobody() -> None:
    """An answer that cannot be delivered is let go."""

    async def gone(_peer: Peer, _envelope: m.Envelope) -> None:
        raise WorldError("it is gone")

    await RequestDispatcher({rq.ListRuns: lambda _: rq.Runs(())}, {}, gone).dispatch(
        Peer("ada", "operator"), m.Envelope(rq.ListRuns(), id=1)
    )
