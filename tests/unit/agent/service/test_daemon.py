"""An agent over TCP carries a command out once, in time and for the right run, and says by name what it does not."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest
from support.hostile import Site, until

from plctl.agent.run.host_site import HostSite
from plctl.agent.service.daemon import Agent
from plctl.common.base.clock import ClockIdentity, RealClock, clock_identity
from plctl.common.base.errors import VersionError, WorldError
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.protocol import wire
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.transport.hub_and_spoke import Peer
from plctl.common.transport.refusals import Refusals

CONSTANT = Schedule((Row(0, 0, 1, 1),))

Said = TypeVar("Said")


class Controller(Site):
    """A controller's end by hand, with one agent that serves it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Refusals(RealClock()))
        self.changes: list[str] = []
        spoke = self.spoke(self.enroll("edge-1"))
        self.notices: list[str] = []
        self.site = HostSite()
        self.agent = Agent(
            "edge-1", spoke, RealClock(), self.site, self.notices.append, tell_change=self.changes.append
        )
        self.serving = asyncio.create_task(self.agent.serve())
        self.peer = Peer("edge-1")

    async def meet(self) -> None:
        """Hear HELLO and answer it."""
        self.peer, data = await asyncio.wait_for(self.hub.receive(), 60)
        assert isinstance(m.decode(data, "agent").message, m.Hello)
        await self.welcome(clock_identity())

    async def welcome(self, clock: ClockIdentity) -> None:
        """Answer HELLO as a controller that reads `clock`."""
        await self.tell(m.Envelope(m.Welcome("c", clock)))

    async def hear(self, kind: type[Said]) -> Said:
        """What the agent says next of this kind."""
        while True:
            _, data = await asyncio.wait_for(self.hub.receive(), 60)
            if isinstance(message := m.decode(data, "agent").message, kind):
                return message

    async def tell(self, envelope: m.Envelope) -> None:
        """Send to the agent."""
        await self.hub.send(self.peer, m.encode(envelope))

    async def answer(self) -> m.Envelope:
        """What the agent says next besides its signs of life and its questions for the time."""
        while True:
            _, data = await asyncio.wait_for(self.hub.receive(), 60)
            envelope = m.decode(data, "agent")
            if not isinstance(envelope.message, ps.Status | ps.ClockQuery):
                return envelope


@pytest.fixture
async def controller(tmp_path: Path) -> AsyncIterator[Controller]:
    """A controller that has welcomed its agent."""
    controller = Controller(tmp_path / "keys")
    await controller.meet()
    yield controller
    controller.agent.stop()
    await asyncio.gather(controller.serving, return_exceptions=True)
    controller.close()


async def test_an_expired_command_is_refused_by_name(controller: Controller) -> None:
    """A command that comes after its expiry on the controller's clock has no effect."""
    expired = RealClock().monotonic_ns() - 1
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=5, epoch="r", expires_ns=expired))
    answer = await controller.answer()
    assert (5, "r") == (answer.reply_to, answer.epoch)
    assert isinstance(answer.message, m.Refused)
    said = r"PREPARE came to \S+ [0-9.]+ \S+ after it had expired; ease the load on this host, on the controller and on"
    assert re.match(said, answer.message.cause), answer.message.cause


async def test_an_arm_that_comes_too_late_may_be_followed_by_another(controller: Controller) -> None:
    """It is no refusal, which would end the run: the controller is told to choose another T0."""
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=5, epoch="r"))
    expired = RealClock().monotonic_ns() - 1
    await controller.tell(m.Envelope(m.Arm(expired), id=6, epoch="r", expires_ns=expired))
    refused = await controller.hear(m.NotArmed)
    assert refused.cause.startswith("ARM came to ")
    assert "after it had expired; ease the load" in refused.cause


async def test_expiry_is_judged_on_the_controllers_clock(controller: Controller) -> None:
    """A controller whose clock is two hours ahead is asked for it; its commands are neither stale nor eternal."""
    ahead_ns = 2 * 3600 * NS_PER_S
    await controller.welcome(ClockIdentity("another machine", ""))
    query = await controller.hear(ps.ClockQuery)
    there_ns = RealClock().monotonic_ns() + ahead_ns
    await controller.tell(m.Envelope(ps.ClockReply(query.t1_ns, there_ns, there_ns)))
    for command, (early_ns, cause) in enumerate(((NS_PER_S, "had expired"), (-60 * NS_PER_S, "not here")), 5):
        expires_ns = RealClock().monotonic_ns() + ahead_ns - early_ns
        await controller.tell(m.Envelope(m.Commit(1), id=command, epoch="r", expires_ns=expires_ns))
        assert cause in (await controller.hear(m.Refused)).cause
    status = await controller.hear(ps.Status)
    while status.bound_ns < 0:
        status = await controller.hear(ps.Status)
    assert abs(status.offset_ns - ahead_ns) <= status.bound_ns
    assert ("exchanges", True) == (status.clock_source, status.round_trip_ns > 0)


async def test_changes_are_told_each_once(controller: Controller) -> None:
    """To whom it serves, that a run begins here, and that it is over; not what goes on between."""
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=7, epoch="r"))
    await controller.tell(m.Envelope(m.Release(), id=8, epoch="r"))
    await controller.hear(m.Released)
    expected = ["edge-1 serves the controller c", "run r: 0 links", "run r is over, and nothing of it is left here"]
    assert expected == controller.changes


async def test_a_status_that_cannot_be_written_keeps_nobody_from_an_answer(
    controller: Controller, state_folder: Path
) -> None:
    """It is written once that is possible."""
    await controller.hear(ps.Status)
    (status,) = state_folder.glob("agent-edge-1-*/status.json")
    status.unlink()
    status.mkdir()  # what root cannot replace by a file, either
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=7, epoch="r"))
    await controller.tell(m.Envelope(m.Release(), id=8, epoch="r"))
    await controller.hear(m.Released)
    assert 1 == sum("trying again" in change for change in controller.changes)
    status.rmdir()
    while not status.is_file():
        await controller.hear(ps.Status)
    assert [] == json.loads(status.read_text())["runs"]


async def test_a_command_of_another_run_is_refused_by_name(controller: Controller) -> None:
    """A command with a stale epoch says which run is not here."""
    await controller.tell(m.Envelope(m.Commit(1), id=6, epoch="old"))
    assert m.Refused("Commit is for run old, which is not here") == (await controller.answer()).message


async def test_a_replayed_command_is_answered_and_not_repeated(controller: Controller) -> None:
    """The same id brings the same answer; a PREPARE under a new id cannot bring a run back that is over."""
    prepare = m.Prepare(RunPlan("r", 1, ()))
    for _ in range(2):
        await controller.tell(m.Envelope(prepare, id=7, epoch="r"))  # being carried out: not refused as a second one
    for _ in range(2):
        await controller.tell(m.Envelope(m.Release(), id=8, epoch="r"))
        released = await controller.answer()
        while isinstance(released.message, m.Events):
            released = await controller.answer()
        assert m.Envelope(m.Released(), reply_to=8, epoch="r") == released
    await controller.tell(m.Envelope(prepare, id=9, epoch="r"))
    assert m.Refused("PREPARE for run r, which is over") == (await controller.answer()).message


async def test_answers_of_a_released_run_are_not_kept(controller: Controller) -> None:
    """They name its links. The answer to RELEASE is, as it may not have arrived."""
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=7, epoch="r"))
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=8, epoch="r"))
    assert "came twice" in (await controller.hear(m.Refused)).cause
    assert 8 in [id_ for id_, answer in controller.agent._answers.items() if answer]
    await controller.tell(m.Envelope(m.Release(), id=9, epoch="r"))
    await controller.hear(m.Released)
    assert [9] == [id_ for id_, answer in controller.agent._answers.items() if answer]


async def test_an_id_that_was_given_twice_is_another_command(controller: Controller) -> None:
    """A controller that lost the last of its journal counts anew: its RELEASE is no repetition of that PREPARE."""
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=7, epoch="r"))
    await until(lambda: "run r: 0 links" in controller.changes)
    for _ in range(2):
        await controller.tell(m.Envelope(m.Release(), id=7, epoch="r"))
        await controller.hear(m.Released)


async def test_a_controller_hears_of_the_runs_that_an_agent_holds(controller: Controller) -> None:
    """One that lost its journal knows nothing of them, and is to have them released."""
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=7, epoch="r"))
    await until(lambda: "run r: 0 links" in controller.changes)
    await controller.welcome(clock_identity())
    while (envelope := await controller.answer()).message != m.Events(1, ()):
        pass
    assert "r" == envelope.epoch
    await controller.tell(m.Envelope(m.Ack(1)))


async def test_an_agent_obeys_no_message_of_an_agent(controller: Controller) -> None:
    """A type that a controller may not send, and bytes that are no message, are refused and change nothing."""
    await controller.tell(m.Envelope(m.Released(), id=1, epoch="r"))
    await controller.hub.send(controller.peer, b"\xc1")
    for words in ("'released' is not for this role to send", "not a msgpack message"):
        refused = (await controller.answer()).message
        assert isinstance(refused, m.Refused)
        assert words in refused.cause


async def test_an_agent_that_is_turned_away_ends_with_the_cause(controller: Controller) -> None:
    """A refusal without a command ends the agent with the controller's sentence."""
    await controller.tell(m.Envelope(m.Refused("no room")))
    with pytest.raises(WorldError, match="the controller refuses this agent: no room"):
        await controller.serving


async def test_an_agent_of_another_version_ends_naming_both(controller: Controller) -> None:
    """An agent whose controller speaks another version says which two versions met."""
    await controller.hub.send(controller.peer, wire.pack({"v": 9, "type": "refused", "body": {"cause": "too old"}}))
    with pytest.raises(VersionError, match=rf"protocol version 9; .* {m.PROTOCOL_VERSION} .*too old"):
        await controller.serving


async def test_runs_go_on_though_the_controller_has_become_another_version(controller: Controller) -> None:
    """An upgrade of the controller that forgot its agents ends no run; the agent says what was the matter."""
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=5, epoch="r"))
    await until(lambda: "run r: 0 links" in controller.changes)
    await controller.hub.send(controller.peer, wire.pack({"v": 9, "type": "refused", "body": {"cause": "too old"}}))
    await until(lambda: bool(controller.notices))
    assert "the other side refused: too old; upgrade the older side" in controller.notices[0]
    assert "the runs here go on" in controller.notices[0]
    assert not controller.serving.done()
    await controller.tell(m.Envelope(m.Release(), id=6, epoch="r"))
    await controller.hear(m.Released)


async def test_what_a_reboot_has_cost_is_told_by_name_once(controller: Controller) -> None:
    """In the log of the run that it was of, after WELCOME."""
    controller.site._lost = {"r": ("x", "y")}
    await controller.welcome(clock_identity())
    events = await controller.hear(m.Events)
    assert [("agent.lost_links", ["x", "y"], "the host was started again")] == [
        (event["event"], event["links"], event["cause"]) for event in events.events
    ]
    assert {} == controller.site.take_lost()


async def test_an_agent_that_leaves_begins_nothing_and_says_why(controller: Controller) -> None:
    """A run that is asked for meanwhile would outlive it; one that it took away is not unknown to it."""
    await controller.tell(m.Envelope(m.Prepare(RunPlan("r", 1, ())), id=5, epoch="r"))
    await until(lambda: "run r: 0 links" in controller.changes)
    gone, abandon = asyncio.Event(), controller.agent._runs["r"].abandon

    async def slowly(cause: str) -> None:
        await gone.wait()
        await abandon(cause)

    controller.agent._runs["r"].abandon = slowly  # type: ignore[method-assign]  # what takes links away takes a while
    controller.agent.stop()
    await until(lambda: bool(controller.agent._leaves))
    for number, message in ((6, m.Prepare(RunPlan("s", 1, ()))), (7, m.Arm(1)), (8, m.Commit(1))):
        await controller.tell(m.Envelope(message, id=number, epoch="s" if number == 6 else "r"))
        assert "edge-1 is leaving: its agent was told to end" == (await controller.hear(m.Refused)).cause
    gone.set()
    await controller.hear(m.Goodbye)
    await controller.serving


@pytest.mark.parametrize("plan", [RunPlan("../r", 1, ()), RunPlan("r", 1, (LinkPlan("../x", CONSTANT, CONSTANT),))])
async def test_a_run_whose_names_would_lead_out_of_its_folder_is_refused(controller: Controller, plan: RunPlan) -> None:
    """Names become files of a process that is root."""
    await controller.tell(m.Envelope(m.Prepare(plan), id=7, epoch=plan.run))
    assert "names something '../" in (await controller.hear(m.Refused)).cause
    assert not controller.agent._runs
