"""How other commands reach the process that emulates a hand-made link: a socket in the folder of the link's owner.

Only root gets into that folder. A connection carries one request, up to its end, and one answer. The path of a Unix
socket may have 107 bytes, which a state folder can exceed: so it is named by the open folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from plctl.common.base.errors import BusyError, PlctlError, ProtocolError, UserError, WorldError
from plctl.common.plan.link_change import AppliedChange, LinkChange
from plctl.common.protocol.wire import MAX_MESSAGE_BYTES, from_plain, pack, to_plain, unpack
from plctl.common.scenario.packed import PackedSchedule

_NAME = "control"
#: A forwarder that does not answer is ended sooner than this.
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class SetRequest:
    """Change the link."""

    change: LinkChange
    by: str  #: who asks


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """Tell what the link has followed, and will follow."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the link follows, with all changes, and how it was started."""

    up: PackedSchedule
    down: PackedSchedule
    scenario_ns: int  #: scenario time now; 0: it has not begun
    command: tuple[str, ...]  #: argv of `plctl link start`
    changes: tuple[AppliedChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """What travels to the process: exactly one is set."""

    set: SetRequest | None = None
    record: RecordRequest | None = None


@dataclass(frozen=True, slots=True)
class ControlAnswer:
    """What comes back. With an `error`, and whether it is the user's, there is nothing else."""

    error: str = ""
    mistake: bool = False
    changed: AppliedChange | None = None
    recorded: Recorded | None = None


Handle = Callable[[ControlRequest], Awaitable[ControlAnswer]]
T = TypeVar("T")


@contextlib.asynccontextmanager
async def serving(folder: Path, handle: Handle) -> AsyncIterator[None]:
    """Within the block, `handle` answers each request; an error that it raises is sent to the client that asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            answer = await _answer(await reader.read(), handle)
            writer.write(pack(to_plain(answer)))
            await writer.drain()
        writer.close()

    with _at(folder) as path:
        with contextlib.suppress(FileNotFoundError):
            Path(path).unlink()  # a killed predecessor's
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
    server = await asyncio.start_unix_server(serve, sock=listener, limit=MAX_MESSAGE_BYTES)
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(FileNotFoundError):
            (folder / _NAME).unlink()


async def _answer(data: bytes, handle: Handle) -> ControlAnswer:
    try:
        return await handle(from_plain(ControlRequest, unpack(data), "request"))
    except PlctlError as error:
        return ControlAnswer(error=str(error), mistake=isinstance(error, UserError))


def ask(folder: Path, request: ControlRequest) -> ControlAnswer:
    """What the process that emulates the link answers.

    :raises BusyError: no process emulates it.
    :raises UserError: it says that the request is wrong.
    :raises WorldError: it could not do it, or does not answer.
    """
    data = b""
    try:
        with _at(folder) as path, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PATIENCE_S)
            connection.connect(path)
            connection.sendall(pack(to_plain(request)))
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(2**16):
                data += piece
    except (FileNotFoundError, ConnectionRefusedError):
        raise BusyError("nobody emulates the link; start that first: plctl link start SCENARIO") from None
    except TimeoutError:
        raise WorldError(f"the process that emulates the link did not answer within {_PATIENCE_S:.0f} s") from None
    try:
        answer = from_plain(ControlAnswer, unpack(data), "answer")
    except ProtocolError as error:
        raise WorldError(f"the process that emulates the link ended, or is of another version: {error}") from None
    if answer.error:
        raise (UserError if answer.mistake else WorldError)(answer.error)
    return answer


@contextlib.contextmanager
def _at(folder: Path) -> Iterator[str]:
    """A short path of the socket."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{opened}/{_NAME}"
    finally:
        os.close(opened)
