"""What systemd hears from a process that it started."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from plctl.agent.sd_notify import Notifier


def listen(path: Path) -> socket.socket:
    """A socket such as systemd's."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(10)
    listener.bind(str(path) if not str(path).startswith("@") else "\0" + str(path)[1:])
    return listener


@pytest.mark.parametrize("abstract", [False, True])
def test_a_word_reaches_the_socket(monkeypatch: pytest.MonkeyPatch, state_folder: Path, abstract: bool) -> None:
    """At a path, or at one of Linux's abstract addresses; one datagram holds all words."""
    path = Path(f"@{state_folder.name}") if abstract else state_folder / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    with listen(path) as listener:
        Notifier().tell(READY=1, STATUS="serving")
        assert listener.recv(100) == b"READY=1\nSTATUS=serving"


def test_children_do_not_inherit_the_way(monkeypatch: pytest.MonkeyPatch, state_folder: Path) -> None:
    """A workload must not be able to speak for the agent."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(state_folder / "nobody"))
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    Notifier().tell(READY=1)  # and that nobody listens is no error
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(os.environ)


@pytest.mark.parametrize(("pid", "expected_ns"), [(None, 30_000_000_000), ("own", 30_000_000_000), ("1", 0)])
def test_the_watchdog_is_fed_only_by_whom_it_watches(
    monkeypatch: pytest.MonkeyPatch, pid: str | None, expected_ns: int
) -> None:
    """WATCHDOG_PID may name another process."""
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)
    assert expected_ns == Notifier().watchdog_ns
