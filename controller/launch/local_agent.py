"""The local agent's process, started before the request is read, so that both processes get ready side by side.

So this module imports next to nothing, not even asyncio before it is needed; what speaks with the agent is in
embedded.py.
"""

from __future__ import annotations

import os
import secrets
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from plctl.common.base.errors import UserError, WorldError
from plctl.common.base.interpreter import module_command
from plctl.common.base.process_end import telling_line
from plctl.common.host.state import Owner, state_dir
from plctl.common.plan.forwarder_options import ForwarderOptions

#: What the local agent is called, in host globs, logs and results.
LOCAL_HOST = "local"
#: How long it may take to take everything away and leave.
LEAVE_SECONDS = 60.0
#: So much of what it wrote to standard error is looked at.
SAID_BYTES = 1 << 16
#: What the address of a Unix socket can hold, without the byte that ends it (unix(7)).
SOCKET_PATH_BYTES = 107


class LocalAgent:
    """The process. It leaves when its standard input ends, so also when this process is killed."""

    def __init__(self, forwarder: ForwarderOptions) -> None:
        """Start it. It imports what it needs and tries the kernel, and makes nothing before `begin`."""
        self._begun = False
        self._errors = os.memfd_create("agent.stderr", os.MFD_CLOEXEC)
        self._process = subprocess.Popen(
            module_command("plctl.agent", "--name", LOCAL_HOST, "--begin-with-stdin", *forwarder.arguments()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C in the terminal is the controller's affair
        )

    def begin(self, folder: Path) -> None:
        """Let it serve the controller that listens at `agent_address(folder)`; one that does not yet costs a pause."""
        self._begun = True
        assert self._process.stdin
        with suppress(BrokenPipeError):  # it has ended: `require_kernel` says why
            self._process.stdin.write(f"{agent_address(folder)}\n".encode())
            self._process.stdin.flush()

    def __enter__(self) -> LocalAgent:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def require_kernel(self) -> None:
        """Return if this machine can carry links, as the agent's doctor says; nothing on it is touched before.

        :raises UserError: it cannot; the message says what it lacks and how to get that.
        :raises WorldError: the agent did not come up; the message ends with what it said.
        """
        assert self._process.stdout
        if self._process.stdout.readline():
            return
        if self._process.wait() == UserError.exit_status:
            raise UserError(self._said().strip())
        raise WorldError(f"the local agent did not start: {self.last_words()}")

    @property
    def has_spoken(self) -> bool:
        """Whether `require_kernel` need not wait."""
        assert self._process.stdout
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    async def ended(self) -> int:
        """Wait until it has ended, however; its exit status, or minus the signal."""
        import asyncio  # noqa: PLC0415  # as said above

        if self._process.poll() is None:
            watched = os.pidfd_open(self._process.pid)
            loop = asyncio.get_running_loop()
            over = asyncio.Event()
            loop.add_reader(watched, over.set)
            try:
                await over.wait()
            finally:
                loop.remove_reader(watched)
                os.close(watched)
        return self._process.wait()

    def leave(self) -> None:
        """Tell it to. Twice is harmless."""
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    def kill(self) -> None:
        """End it as it stands."""
        self._process.kill()

    def end(self) -> None:
        """Let it leave, and kill it if it does not, or has made nothing yet. Twice is harmless."""
        self.leave()
        if not self._begun:
            self.kill()
        try:
            self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
        if self._errors >= 0:
            os.close(self._errors)
            self._errors = -1

    def last_words(self) -> str:
        """What it said that tells most of why it ended."""
        return telling_line(self._said()) or "it said nothing"

    def _said(self) -> str:
        """The end of what it has written to standard error."""
        if self._errors < 0:
            return ""
        size = os.fstat(self._errors).st_size
        return os.pread(self._errors, SAID_BYTES, max(0, size - SAID_BYTES)).decode(errors="replace")


@contextmanager
def agent_folder() -> Iterator[Path]:
    """An owner's folder in which a local agent finds its controller.

    :raises UserError: the state folder's path is too long; nothing was made.
    :raises KernelError: the state folder cannot be written.
    """
    name = f"controller-{secrets.token_hex(4)}"
    _require_short(agent_address(state_dir() / name))
    with Owner.create(name) as owner:
        try:
            yield owner.path
        finally:
            owner.remove()


def agent_address(folder: Path) -> str:
    """Where the agent whose owner's folder is `folder` looks for its controller."""
    return f"ipc://{folder}/control"


def _require_short(address: str) -> None:
    """Return if there can be a socket at `address`, in the state folder."""
    folder = os.fsencode(state_dir())
    beyond = len(os.fsencode(address.removeprefix("ipc://"))) - SOCKET_PATH_BYTES
    if beyond > 0:
        raise UserError(
            f"the path of the state folder is too long: {state_dir()} has {len(folder)} bytes, and for the socket in it"
            f" at most {len(folder) - beyond} will do; choose another with $PLCTL_STATE_DIR"
        )
