"""The service manager hears what it asked for, and its absence disturbs nobody."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from plctl.common.host.sd_notify import keep_alive, notify, watchdog_ns


@pytest.fixture
def manager(state_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The service manager's socket."""
    path = f"{state_folder}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        sock.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield sock


def test_a_state_arrives_as_it_was_said(manager: socket.socket) -> None:
    """One datagram holds the state."""
    assert notify("READY=1")
    assert b"READY=1" == manager.recv(100)


def test_a_name_without_a_file_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that begins with @ is in the abstract namespace."""
    name = f"plctl-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        sock.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        assert notify("STOPPING=1")
        assert b"STOPPING=1" == sock.recv(100)


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/at/all"])
def test_without_a_manager_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket, one that is no address, and one where nobody listens: false, and no error."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not notify("READY=1")


async def test_the_watchdog_is_fed_for_ever(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """With $WATCHDOG_USEC signs of life go on for ever, with none they end at once."""
    monkeypatch.setenv("WATCHDOG_USEC", "2000")
    task = asyncio.create_task(keep_alive())
    for _ in range(3):
        assert b"WATCHDOG=1" == await asyncio.to_thread(manager.recv, 100)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    monkeypatch.delenv("WATCHDOG_USEC")
    await keep_alive()


def test_a_watchdog_of_another_process_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """$WATCHDOG_USEC is for the process that $WATCHDOG_PID names."""
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    assert 10**9 == watchdog_ns()
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert 0 == watchdog_ns()


@pytest.mark.usefixtures("manager")
def test_a_manager_that_does_not_listen_holds_nobody_up() -> None:
    """What does not fit into its queue is lost: a daemon that waited here would stand still."""
    assert not all(notify("WATCHDOG=1") for _ in range(10_000))
