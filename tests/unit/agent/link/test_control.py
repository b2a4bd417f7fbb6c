"""Commands reach the process that emulates a link, and hear what became of their requests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from plctl.agent.link.control import ControlAnswer, ControlRequest, RecordRequest, SetRequest, ask, serving
from plctl.common.base.errors import BusyError, UserError, WorldError
from plctl.common.plan.link_change import AppliedChange, LinkChange

WANTED = ControlRequest(set=SetRequest(LinkChange({"delay_ns": 1}), "ada"))


async def handle(request: ControlRequest) -> ControlAnswer:
    """Changes what it is asked to, and cannot record."""
    if request.set is None:
        raise WorldError("the forwarder is gone")
    if not request.set.change.up:
        raise UserError("the change names no value")
    return ControlAnswer(changed=AppliedChange(7, request.set.change, LinkChange(), request.set.by))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Deeper than the path of a Unix socket may be long."""
    deep = tmp_path.joinpath(*("folder" + "x" * 30,) * 5)
    deep.mkdir(parents=True)
    return deep


async def test_a_request_gets_its_answer(folder: Path) -> None:
    """Several at once, each its own."""
    async with serving(folder, handle):
        answers = await asyncio.gather(*(asyncio.to_thread(ask, folder, WANTED) for _ in range(5)))
    assert [AppliedChange(7, LinkChange({"delay_ns": 1}), LinkChange(), "ada")] * 5 == [a.changed for a in answers]


async def test_what_is_refused_is_the_users_or_the_worlds(folder: Path) -> None:
    """So the command ends with the right status."""
    async with serving(folder, handle):
        with pytest.raises(UserError, match="names no value"):
            await asyncio.to_thread(ask, folder, ControlRequest(set=SetRequest(LinkChange(), "ada")))
        with pytest.raises(WorldError, match="the forwarder is gone"):
            await asyncio.to_thread(ask, folder, ControlRequest(record=RecordRequest()))


async def test_what_is_no_request_does_not_disturb(folder: Path) -> None:
    """It is answered by a cause, and the next one is served."""
    async with serving(folder, handle):
        reader, writer = await asyncio.open_unix_connection(sock=_connected(folder))
        writer.write(b"\x93nonsense")
        writer.write_eof()
        assert b"not a msgpack message" in await reader.read()
        writer.close()
        assert (await asyncio.to_thread(ask, folder, WANTED)).changed


async def test_nobody_is_there(folder: Path) -> None:
    """Before, after, and where a killed process left its socket."""
    for _ in range(2):
        with pytest.raises(BusyError, match="nobody emulates the link"):
            ask(folder, WANTED)
        async with serving(folder, handle):
            pass
    assert [] == list(folder.iterdir())
    _listening(folder).close()
    with pytest.raises(BusyError, match="nobody emulates the link"):
        ask(folder, WANTED)
    async with serving(folder, handle):
        assert (await asyncio.to_thread(ask, folder, WANTED)).changed


def _connected(folder: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    with contextlib.chdir(folder):
        made.connect("control")
    made.setblocking(False)
    return made


def _listening(folder: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    with contextlib.chdir(folder):
        made.bind("control")
    return made
