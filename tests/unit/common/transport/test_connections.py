"""The address of a connection is read from a descriptor that is not ours, without keeping anything."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from plctl.common.transport.connections import UNKNOWN_ADDRESS, _peer_address


def test_the_address_of_a_connection_is_read() -> None:
    """A connected TCP descriptor has its peer's IP address, and stays open."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        accepted, _ = server.accept()
        with accepted:
            assert _peer_address(accepted.fileno()) == "127.0.0.1"
            assert accepted.getpeername()


def test_a_descriptor_that_became_something_else_is_let_go(tmp_path: Path) -> None:
    """A file or a closed descriptor under the number has no address, and no copy of it stays open."""
    before = os.listdir("/proc/self/fd")  # noqa: PTH208  (names, to compare)
    with (tmp_path / "x").open("w") as file:
        assert _peer_address(file.fileno()) == UNKNOWN_ADDRESS
        number = file.fileno()
    assert _peer_address(number) == UNKNOWN_ADDRESS
    assert before == os.listdir("/proc/self/fd")  # noqa: PTH208
