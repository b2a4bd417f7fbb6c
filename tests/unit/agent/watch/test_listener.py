"""A listener that could not be started leaves nothing, and starts when it can."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from plctl.agent.watch import listener as module
from plctl.agent.watch.listener import Listener
from plctl.common.base.errors import KernelError


class NoPlaces:
    """A watch over nothing, as a listener needs it."""

    places = ()


def test_it_starts_once_a_thread_can_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A watch that was refused is not taken for one that is heard; closing it then is harmless."""
    monkeypatch.setattr(module, "NETNS_DIR", tmp_path)
    listener = Listener()

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as without_threads:
        without_threads.setattr(threading, "_start_new_thread", refuse)
        with pytest.raises(KernelError, match="cannot start a thread"):
            listener.add(NoPlaces())  # type: ignore[arg-type]
        listener.close()
    listener.add(NoPlaces())  # type: ignore[arg-type]
    assert "interfaces" in [thread.name for thread in threading.enumerate()]
    listener.close()
    assert "interfaces" not in [thread.name for thread in threading.enumerate()]
