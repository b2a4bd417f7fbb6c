"""The local agent's process: it starts before anything slow is imported, and its refusal is the user's to mend."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from plctl.common.base.errors import UserError, WorldError
from plctl.common.host.state import owner_folders
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.controller.launch.local_agent import LocalAgent, agent_folder

#: What a run imports while its agent does the same: more than half a second of it, which may not come before.
SLOW = (
    "plctl.common.protocol.messages",
    "plctl.common.scenario.readers.opening",
    "asyncio",
    "pyarrow",
    "numpy",
    "matplotlib",
    "zmq",
    "rich",
    "asyncssh",
    "pyroute2",
    "pydantic",
    "yaml",
)


def interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let `script` be what starts processes of ours."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))


def test_the_agent_starts_before_anything_slow_is_imported() -> None:
    """What reads the request, too, is imported while the agent gets ready."""
    code = (
        "import sys, plctl.controller.commands.run, plctl.controller.launch.follow_options\n"
        "import plctl.controller.launch.local_agent, plctl.common.client.config\n"
        f"print([name for name in {SLOW!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "[]\n" == done.stdout


def test_nothing_for_numbers_is_imported_before_a_run_goes_on() -> None:
    """There are none before T0, and Arrow with numpy takes as long as all else that a run's start needs."""
    code = (
        "import sys, plctl.controller.commands.run, plctl.controller.launch.local_run\n"
        "import plctl.controller.spec.run_spec, plctl.controller.view.screen, plctl.controller.view.summary\n"
        "print([name for name in ('pyarrow', 'numpy', 'matplotlib', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "[]\n" == done.stdout


@pytest.mark.needs_root
def test_what_a_host_lacks_is_the_users_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent without a privilege that links need says so before it does anything, and nothing is left of it."""
    bounded = f'exec setpriv --bounding-set=-sys_admin "{sys.executable}" "$@"'
    interpreter(tmp_path, monkeypatch, bounded)
    with (
        LocalAgent(ForwarderOptions()) as agent,
        pytest.raises(UserError, match=r"^plctl agent needs root.*CAP_SYS_ADMIN") as refusal,
    ):
        agent.require_kernel()
    assert "Traceback" not in str(refusal.value)
    assert [] == owner_folders()


@pytest.mark.needs_root
def test_an_agent_makes_nothing_before_it_is_told_to_begin() -> None:
    """It is ready, but where the request proves wrong there is nothing to take away, and nobody waits for it."""
    with LocalAgent(ForwarderOptions()) as agent:
        agent.require_kernel()
        assert [] == owner_folders()
    assert not agent.lives


@pytest.mark.needs_root
def test_an_agent_that_begins_becomes_an_owner_and_takes_all_away() -> None:
    """Its controller need not be there yet: it waits, and leaves when it is told."""
    with agent_folder() as meeting, LocalAgent(ForwarderOptions()) as agent:
        agent.begin(meeting)
        agent.require_kernel()
        while 2 > len(owner_folders()):
            assert agent.lives, agent.last_words()
    assert [] == owner_folders()


async def test_an_agent_that_ends_by_itself_is_no_users_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it said last is told, and how it ended is known to all who wait for that."""
    interpreter(tmp_path, monkeypatch, "echo 'fatal: no memory' >&2; exit 3")
    with LocalAgent(ForwarderOptions()) as agent:
        assert [3, 3] == await asyncio.gather(agent.ended(), agent.ended())
        with pytest.raises(WorldError, match="did not start: fatal: no memory"):
            agent.require_kernel()
