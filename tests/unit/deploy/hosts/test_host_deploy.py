"""One host from first look to the end, on a stand-in for the ssh connection: what is done, and undone when it fails."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import pytest

from plctl.common.security.allow_list import AllowList
from plctl.common.security.enrolment import admit, init_controller
from plctl.common.security.keys import KeyPair, load_controller_public
from plctl.deploy.bundle.bundler import Bundle, Bundler, Target
from plctl.deploy.hosts.facts import AgentFacts, Found
from plctl.deploy.hosts.host_deploy import DeployOptions, HostDeploy
from plctl.deploy.hosts.host_removal import HostRemoval
from plctl.deploy.hosts.result import HostResult, Outcome
from plctl.deploy.hosts.unit import unit_text
from plctl.deploy.inventory.host import Host
from plctl.deploy.ssh.failure import CutError, HostBusyError, RemoteError
from plctl.deploy.ssh.probe import Machine
from plctl.deploy.ssh.remote import Remote

BARE = Found(
    "Debian", "6.1.0", "glibc 2.36", True, True, 10**9, "", -1, -1, (), (), "", "", "", "", "", (), False, "", ()
)
ADDRESS = "tcp://control:7777"


class Line:
    """Where the connection would be: keeps what was asked for, and fails where it is told to."""

    def __init__(self, found: Found, trouble: dict[str, RemoteError] | None = None) -> None:
        self.host = Host("edge-1")
        self.found = found
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.opened = 0
        self._trouble = trouble or {}

    @property
    def words(self) -> list[str]:
        """What was asked for, in order, looking aside."""
        return [do for do, _ in self.asked if do not in ("inspect", "agents", "refuse_busy")]

    async def open(self) -> Machine:
        self.opened += 1
        return Machine("/usr/bin/python3", "3.11", "x86_64")

    async def close(self) -> None:
        pass

    async def call(self, do: str, _payload: Path | None = None, **words: Any) -> Any:
        self.asked.append((do, words))
        if error := self._trouble.pop(do, None):
            raise error
        return {"inspect": json.loads(json.dumps(asdict(self.found))), "agents": [], "remove": []}.get(do)


class OneBundle(Bundler):
    """Has made its bundle before."""

    def make(self, target: Target) -> Bundle:
        assert Target("3.11", "x86_64") == target
        return Bundle("0.2.0-bb", "0.2.0", Path("bb.tar.gz"), "5ha", 8_000_000)


@pytest.fixture
def order(tmp_path: Path) -> DeployOptions:
    """For a controller whose keys are there."""
    init_controller(tmp_path / "keys", "ada")
    return DeployOptions(ADDRESS, tmp_path / "keys")


async def deploy(line: Line, order: DeployOptions) -> HostResult:
    """Deploy over `line`."""
    return await HostDeploy(cast(Remote, line), order, OneBundle(), lambda _step, _text: None).run()


def allowed(order: DeployOptions) -> dict[str, str]:
    """Whom the controller lets in as an agent: public keys by name."""
    return {entry.name: entry.public for entry in AllowList(order.keys).entries() if entry.role == "agent"}


def served(order: DeployOptions, pair: KeyPair) -> Found:
    """A host that an earlier version serves, with the key `pair`, which the controller lets in."""
    admit(order.keys, pair, "agent")
    return replace(
        BARE,
        bundles=("0.1.0-aa",),
        current="0.1.0-aa",
        key_public=pair.public,
        key_name="edge-1",
        controller_public=load_controller_public(order.keys),
        unit="old unit",
        enabled=True,
        active="active",
        agents=(AgentFacts("edge-1", 7, "0.1.0", True, ()),),
    )


async def test_a_bare_host_gets_everything_and_the_key_is_nowhere_else(order: DeployOptions) -> None:
    """The public half is on the controller's list; the secret went over the line once and is in no file."""
    line = Line(BARE)
    assert Outcome.CHANGED == (await deploy(line, order)).outcome
    assert ["receive", "install", "set_keys", "set_unit", "start", "finish"] == line.words
    (pair,) = [json.loads(words["key"]) for do, words in line.asked if do == "set_keys"]
    assert {"edge-1": pair["public"]} == allowed(order)
    assert not [path for path in order.keys.rglob("*") if path.is_file() and pair["secret"] in path.read_text()]


async def test_check_changes_nothing(order: DeployOptions) -> None:
    """Neither there nor on the controller's list."""
    line = Line(BARE)
    result = await deploy(line, replace(order, check=True))
    assert (Outcome.WOULD_CHANGE, 5) == (result.outcome, len(result.changes))
    assert ([], {}) == (line.words, allowed(order))


async def test_a_host_as_it_should_be_is_not_touched(order: DeployOptions) -> None:
    """The second deployment says so."""
    unit = unit_text("/opt/plctl/current/bin/plctl", ADDRESS, "/etc/plctl")
    found = served(order, KeyPair.generate("edge-1", "agent"))
    line = Line(replace(found, bundles=("0.2.0-bb",), current="0.2.0-bb", unit=unit))
    assert (Outcome.UNCHANGED, []) == ((await deploy(line, order)).outcome, line.words)


async def test_an_upgrade_says_what_was_there(order: DeployOptions) -> None:
    """And a way back: whoever deploys by an old plctl should notice."""
    line = Line(served(order, KeyPair.generate("edge-1", "agent")))
    assert "plctl 0.2.0 serves in place of 0.1.0" == (await deploy(line, order)).text
    assert "plctl 0.2.0 serves" == (await deploy(Line(BARE), order)).text


async def test_a_failed_first_start_leaves_a_bare_host(order: DeployOptions) -> None:
    """Everything is undone in reverse, and the key that was let in is let in no more."""
    line = Line(BARE, {"start": RemoteError("it does not start")})
    result = await deploy(line, order)
    assert HostResult("edge-1", Outcome.FAILED, "start: it does not start; it is again what it was") == result
    assert ["start", "switch", "set_unit", "restore_keys", "uninstall"] == line.words[4:]
    assert [("set_unit", {"text": ""})] == [asked for asked in line.asked if asked[0] == "set_unit"][1:]
    assert {} == allowed(order)


async def test_a_failed_upgrade_leads_back_to_the_old_agent(order: DeployOptions) -> None:
    """Its version, unit and key are in force again, and it runs."""
    pair = KeyPair.generate("edge-1", "agent")
    line = Line(served(order, pair), {"start": RemoteError("it does not start")})
    result = await deploy(line, replace(order, rotate_keys=True))
    assert Outcome.FAILED == result.outcome
    assert ["switch", "set_unit", "restore_keys", "uninstall", "start"] == line.words[5:]
    last = dict(line.asked)
    assert ("0.1.0-aa", "0.1.0-aa", "old unit") == (
        last["switch"]["bundle"], last["start"]["bundle"], last["set_unit"]["text"]
    )  # fmt: skip
    assert {"edge-1": pair.public} == allowed(order)


@pytest.mark.parametrize(("step", "undone"), [("receive", ["uninstall"]), ("install", ["uninstall"])])
async def test_only_what_was_begun_is_undone(order: DeployOptions, step: str, undone: list[str]) -> None:
    """A full disk is no reason to touch the service."""
    line = Line(BARE, {step: RemoteError("No space left on device")})
    assert "No space left on device" in (await deploy(line, order)).text
    assert undone == line.words[line.words.index(step) + 1 :]


async def test_a_cut_connection_is_made_anew_for_the_way_back(order: DeployOptions) -> None:
    """Once; the cause stays the cut."""
    line = Line(BARE, {"install": CutError("the ssh connection broke")})
    result = await deploy(line, order)
    assert (2, "install: the ssh connection broke; it is again what it was") == (line.opened, result.text)


async def test_a_way_back_that_fails_too_is_told(order: DeployOptions) -> None:
    """The user learns that the host is not what it was, and the controller's list is."""
    line = Line(BARE, {"start": RemoteError("it does not start"), "restore_keys": RemoteError("disk is gone")})
    result = await deploy(line, order)
    assert result.text == (
        "start: it does not start; and it could not be made what it was: disk is gone; the next deploy mends it"
    )
    assert {} == allowed(order)


@pytest.mark.parametrize("step", ["refuse_busy", "start"])
async def test_a_run_that_began_meanwhile_is_not_disturbed(order: DeployOptions, step: str) -> None:
    """Whatever was changed is what it was, and the service was neither stopped nor started."""
    pair = KeyPair.generate("edge-1", "agent")
    line = Line(served(order, pair), {step: HostBusyError("a run goes on here (r-1)")})
    result = await deploy(line, replace(order, rotate_keys=True))
    assert result.text.endswith("a run goes on here (r-1); it is again what it was")
    assert "switch" not in line.words
    assert ["start"][: step == "start"] == [word for word in line.words if word == "start"]
    assert {"edge-1": pair.public} == allowed(order)


async def test_a_key_that_could_not_be_delivered_revokes_nobody(order: DeployOptions) -> None:
    """The old one counts on."""
    pair = KeyPair.generate("edge-1", "agent")
    line = Line(served(order, pair), {"set_keys": RemoteError("No space left on device")})
    assert Outcome.FAILED == (await deploy(line, replace(order, rotate_keys=True))).outcome
    assert {"edge-1": pair.public} == allowed(order)
    assert [pair.public] == [words["key_public"] for do, words in line.asked if do == "restore_keys"]


async def test_removal_takes_everything_and_revokes(order: DeployOptions) -> None:
    """A second time there is nothing to do."""
    line = Line(served(order, KeyPair.generate("edge-1", "agent")))
    removal = HostRemoval(cast(Remote, line), order, lambda _step, _text: None)
    assert Outcome.REMOVED == (await removal.run()).outcome
    assert (["remove"], {}) == (line.words, allowed(order))
    line.found = BARE
    assert Outcome.UNCHANGED == (await removal.run()).outcome


async def test_removal_names_what_it_does_not_take_for_ours(order: DeployOptions) -> None:
    """Also where nothing else is there: somebody may have lost the record."""
    line = Line(replace(BARE, unit="a unit", strangers=("/etc/plctl/agent.key",)))
    result = await HostRemoval(cast(Remote, line), order, lambda _step, _text: None).run()
    left = "nothing of ours is there; not on record as ours and left there: /etc/plctl/agent.key"
    assert (Outcome.UNCHANGED, left) == (result.outcome, result.text)


async def test_removal_refused_by_the_host_revokes_nothing(order: DeployOptions) -> None:
    """A run that goes on there keeps its agent."""
    line = Line(served(order, KeyPair.generate("edge-1", "agent")), {"remove": RemoteError("a run goes on here (r-1)")})
    result = await HostRemoval(cast(Remote, line), order, lambda _step, _text: None).run()
    assert result.text == "a run goes on here (r-1); its key still counts: plctl controller revoke edge-1"
    assert ["edge-1"] == list(allowed(order))
