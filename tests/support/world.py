"""What the benchmarks share: one link in its namespaces, and how to see what arrives there."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from plctl.agent.kernel import link_namespaces, namespace
from plctl.agent.kernel.link_namespaces import SERVER_INTERFACE, SERVER_IPV4, LinkNamespaces
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_S
from plctl.common.host.state import Owner
from plctl.common.plan.run_plan import LinkPlan

PORT = 9


@dataclass(frozen=True)
class World:
    """A link's namespaces and the ledger of who made them."""

    namespaces: LinkNamespaces
    ledger: Ledger


@contextlib.contextmanager
def world(plan: LinkPlan) -> Iterator[World]:
    """The namespaces for `plan`, for as long as the block; we and our children come before other sessions then."""
    with (
        _before_other_sessions(),
        Owner.create(f"bench-{plan.name}") as owner,
        contextlib.closing(Ledger(owner.ledger_path)) as ledger,
    ):
        namespaces = LinkNamespaces.named("bench", str(os.getpid()), plan.name)
        link_namespaces.build(namespaces, plan, ledger)
        try:
            yield World(namespaces, ledger)
        finally:
            link_namespaces.remove(namespaces, ledger)
            owner.remove()


@contextlib.contextmanager
def _before_other_sessions() -> Iterator[None]:
    """Let our session have the CPU first during the block, and no longer: whatever else it does is no measurement."""
    group = Path("/proc/self/autogroup")  # "/autogroup-17 nice 0"; not there where the kernel groups no sessions
    before = ""
    with contextlib.suppress(OSError):
        before = group.read_text().split()[-1]
        group.write_text("-20")
    try:
        yield
    finally:
        if before:
            group.write_text(before)


@contextlib.contextmanager
def deaf_receiver(namespaces: LinkNamespaces) -> Iterator[None]:
    """A UDP socket at the server that is never read: what arrives is dropped cheaply and without an ICMP answer."""
    with link_namespaces.open_socket(namespaces.server, socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        receiver.bind((SERVER_IPV4, PORT))
        yield


class Counter:
    """What the server's interface has received, as its kernel counts it; a context manager."""

    def __init__(self, namespaces: LinkNamespaces) -> None:
        where = Path("/proc/thread-self/net/dev")  # shows the namespace of the thread that opened it, whoever reads
        self._file = namespace.run_inside(namespaces.server, partial(os.open, where, os.O_RDONLY))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def read(self) -> tuple[int, int]:
        """Bytes and frames so far."""
        line = os.pread(self._file, 4096, 0).decode().partition(f"{SERVER_INTERFACE}:")[2]
        received = line.split(maxsplit=2)
        return int(received[0]), int(received[1])

    def next_arrival(self, patience_s: float = 5) -> tuple[int, int]:
        """Wait for the next frame: when it was seen (CLOCK_MONOTONIC, ns), and the bytes with it."""
        before, begun_ns = self.read(), time.monotonic_ns()
        while (now := self.read()) == before:
            if time.monotonic_ns() - begun_ns > patience_s * NS_PER_S:
                raise TimeoutError("no frame arrives at the server")
        return time.monotonic_ns(), now[0]


def await_line(process: subprocess.Popen[str], word: str) -> None:
    """Read what `process` says until a line with `word`."""
    assert process.stdout is not None
    if not any(word in line for line in process.stdout):
        raise RuntimeError(f"{process.args!r} ended without saying {word!r}: {process.wait()}")


@contextlib.contextmanager
def running(name: str, *command: str) -> Iterator[subprocess.Popen[str]]:
    """`command` in the namespace `name`, killed after the block."""
    run = ("ip", "netns", "exec", name, *command)
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def delivered_per_second(namespaces: LinkNamespaces, seconds: float) -> float:
    """How many frames reach the server in a second, measured over `seconds`."""
    with Counter(namespaces) as counter:
        before, begun_ns = counter.read()[1], time.monotonic_ns()
        time.sleep(seconds)
        after, ended_ns = counter.read()[1], time.monotonic_ns()
    return (after - before) * NS_PER_S / (ended_ns - begun_ns)
