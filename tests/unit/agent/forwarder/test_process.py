"""The forwarder's process ends in good order, whatever its agent's end looks like."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import msgpack
import pytest

from plctl.agent.forwarder.process import LENGTH_BYTES, Server, pack
from plctl.agent.native import _core
from plctl.common.plan.forwarder_options import ForwarderTerms

DESCRIBE = pack({"id": 1, "verb": "describe"})


class Stage:
    """A server with a forwarder of one slot, and the agent's end of its socket."""

    def __init__(self) -> None:
        self.agent, self._control = socket.socketpair()
        memory = os.memfd_create("plctl-test")
        os.ftruncate(memory, _core.stats_size(1))
        self._forwarder = _core.Forwarder(stats=memory, slots=1, workers=(("off", 0, -1, 0, 0, 0),), budget_bytes=2**20)
        os.close(memory)
        self._server = Server(self._forwarder, self._control, ForwarderTerms(7, (), locked_memory=False))
        self._served: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def ended(self) -> None:
        """Wait until it has; raises what it raised."""
        self._served.result(timeout=30)

    def close(self) -> None:
        """End what is left."""
        self.agent.close()
        self._thread.join()
        self._control.close()
        self._forwarder.close()

    def _serve(self) -> None:
        try:
            self._served.set_result(self._server.serve())
        except BaseException as error:
            self._served.set_exception(error)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A server that serves."""
    made = Stage()
    yield made
    made.close()


def test_it_answers_until_the_agent_closes(stage: Stage) -> None:
    """The answer to a request has its id and no error; end of file is the end."""
    stage.agent.sendall(DESCRIBE)
    head = stage.agent.recv(LENGTH_BYTES, socket.MSG_WAITALL)
    answer = msgpack.unpackb(stage.agent.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
    assert (1, "", 7) == (answer["id"], answer["error"], answer["result"]["pid"])
    stage.agent.close()
    stage.ended()


def test_an_agent_killed_with_answers_unread_is_no_error(stage: Stage) -> None:
    """The kernel then resets the connection instead of ending it."""
    stage.agent.sendall(DESCRIBE)
    assert select.select([stage.agent], [], [], 30)[0]
    stage.agent.close()
    stage.ended()


@pytest.mark.parametrize("length", [2, LENGTH_BYTES, len(DESCRIBE) - 1])
def test_an_agent_killed_within_a_request_is_no_error(stage: Stage, length: int) -> None:
    """What it did not finish saying is not carried out."""
    stage.agent.sendall(DESCRIBE[:length])
    stage.agent.close()
    stage.ended()


def test_a_forwarder_imports_little() -> None:
    """Every run waits for it: what it has no use for is a quarter of its start."""
    names = (
        "asyncio",
        "email",
        "importlib.metadata",
        "statistics",
        "platform",
        "pyroute2",
        "zmq",
        "structlog",
        "click",
    )
    code = f"import sys, plctl.agent.forwarder.process\nprint([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "[]\n" == done.stdout
