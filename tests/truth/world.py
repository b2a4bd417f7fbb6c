"""What of a run that goes on can be disturbed: its processes, threads, namespaces, interfaces; and who tidies up.

Nothing is looked for by name on the whole machine: processes are descendants of the `plctl run` that was started here,
namespaces those whose names carry its token, held by descriptors from then on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

from truth.inside import command

INTERFACES = {"veth1": "client", "sim-veth1": "link", "sim-veth2": "link", "veth2": "server"}
#: How long to look for a process that should be there.
PRESENT_S = 0.3
_LOOK_EVERY_S = 0.004

Found = TypeVar("Found")


class Process(NamedTuple):
    """A process, and when it began, so that nobody else who has its number later is meant."""

    pid: int
    began: str

    @classmethod
    def find(cls, pid: int) -> Process:
        """The process that has the number now.

        :raises OSError: nobody has.
        """
        return cls(pid, _stat(pid)[19])

    def is_alive(self) -> bool:
        """Whether it is still there, and not only its exit status."""
        try:
            fields = _stat(self.pid)
        except OSError:
            return False
        return fields[19] == self.began and fields[0] != "Z"

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; whether it was there to receive it."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            return False
        try:
            if self.is_alive():
                signal.pidfd_send_signal(descriptor, number)
                return True
        except ProcessLookupError:
            pass
        finally:
            os.close(descriptor)
        return False


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def descendants(pid: int) -> list[int]:
    """All below the process, children before grandchildren."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in path.read_text().split()]
        except OSError:  # that thread ended just now
            continue
    return found + [below for child in found for below in descendants(child)]


def command_line(pid: int) -> list[str]:
    """Its words; none if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


class Guard:
    """A process that undoes, once this one is gone or says so, whatever it was told of before it was done."""

    def __init__(self, python: str) -> None:
        script = str(Path(__file__).parent / "programs" / "guard.py")
        self._process = subprocess.Popen(
            [python, "-I", "-S", script], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def note(self, what: str, *words: object) -> None:
        """Tell it of something, see guard.py."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, *words]) + "\n")
        self._process.stdin.flush()

    def finish(self) -> None:
        """Have everything undone, and wait for it."""
        self._process.communicate(timeout=60)


@dataclass
class World:
    """A run that is held back or goes on."""

    run: Process
    folder: Path  #: the run's own
    guard: Guard
    namespaces: dict[tuple[int, str], int] = field(default_factory=dict)  #: (link's number, client, link or server)
    names: dict[tuple[int, str], str] = field(default_factory=dict)
    helpers: list[subprocess.Popen[bytes]] = field(
        default_factory=list
    )  #: that load the machine, each for a bounded time
    stopped: list[Process] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)  #: what was done, and when, for whoever wonders

    def process(self, *words: str) -> Process:
        """The run's descendant in whose command line all the words occur.

        :raises TimeoutError: there is none.
        """
        return await_it(lambda: self._find(words), f"a process with {' and '.join(words)}", PRESENT_S)

    def forwarder(self) -> Process:
        """The process that forwards."""
        return self.process("plctl.agent.forwarder")

    def agent(self) -> Process:
        """The agent."""
        return await_it(self._find_agent, "the agent", PRESENT_S)

    def workers(self) -> list[int]:
        """The numbers of the forwarder's threads other than its first."""
        forwarder = self.forwarder()
        threads = [int(path.name) for path in Path(f"/proc/{forwarder.pid}/task").iterdir()]
        return [thread for thread in threads if thread != forwarder.pid]

    def do(self, link: int, interface: str, *words: str) -> None:
        """Run ip or tc in the namespace of the interface, which `{}` among the words stands for."""
        namespace = self.namespaces[link, INTERFACES[interface]]
        done = command(namespace, *(word.replace("{}", interface) for word in words))
        self.sent.append(
            " ".join(words).replace("{}", interface) + (f": {done.stderr.strip()}" if done.returncode else "")
        )

    def _find_agent(self) -> Process | None:
        for pid in descendants(self.run.pid):
            if ["-m", "plctl.agent"] in [list(pair) for pair in pairwise(command_line(pid))]:
                return Process.find(pid)
        return None

    def _find(self, words: tuple[str, ...]) -> Process | None:
        for pid in descendants(self.run.pid):
            line = command_line(pid)
            if all(any(word in part for part in line) for word in words):
                return Process.find(pid)
        return None


def await_it(look: Callable[[], Found | None], what: str, patience_s: float = 40.0) -> Found:
    """What `look` returns, once it returns something.

    :raises TimeoutError: it does not.
    """
    deadline = time.monotonic() + patience_s
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not appear within {patience_s:g} s")
        time.sleep(_LOOK_EVERY_S)
    return found
