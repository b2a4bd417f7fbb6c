"""Whether a promised port or file is there is read off the kernel's own tables, without touching the server."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from plctl.agent.workload.ready import describe, is_ready, only_serves
from plctl.common.plan.run_plan import Ready

BOTH = pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])


@BOTH
def test_a_tcp_port_is_ready_once_it_listens(family: socket.AddressFamily, host: str, tmp_path: Path) -> None:
    """Bound is not enough, and nobody connects to find out."""
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.bind((host, 0))
        wanted = Ready(tcp=server.getsockname()[1])
        assert not is_ready(wanted, os.getpid(), tmp_path)
        server.listen()
        assert is_ready(wanted, os.getpid(), tmp_path)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@BOTH
def test_a_udp_port_is_ready_once_it_is_bound(family: socket.AddressFamily, host: str, tmp_path: Path) -> None:
    """A TCP listener on the same number does not count."""
    with socket.socket(family, socket.SOCK_STREAM) as other, socket.socket(family, socket.SOCK_DGRAM) as server:
        other.bind((host, 0))
        other.listen()
        wanted = Ready(udp=other.getsockname()[1])
        assert not is_ready(wanted, os.getpid(), tmp_path)
        server.bind((host, wanted.udp))
        assert is_ready(wanted, os.getpid(), tmp_path)


def test_a_file_is_looked_for_beside_the_output(tmp_path: Path) -> None:
    """A relative name means the artifact folder, an absolute one itself."""
    assert not is_ready(Ready(file="flag"), os.getpid(), tmp_path)
    (tmp_path / "flag").touch()
    assert is_ready(Ready(file="flag"), os.getpid(), tmp_path)
    assert is_ready(Ready(file=str(tmp_path / "flag")), os.getpid(), Path("/"))


def test_who_listens_only_serves() -> None:
    """A listening TCP socket, or a UDP one without a peer on a port of its own choice; not a client's sockets."""
    with socket.socket() as server, socket.socket() as client:
        assert not only_serves([os.getpid()])
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert only_serves([os.getpid()])
        client.connect(server.getsockname())
        server.close()
        assert not only_serves([os.getpid()])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))  # as a QUIC client does
        assert not only_serves([os.getpid()])
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.bind(("::1", 5201))
        assert only_serves([os.getpid()])
        udp.connect(("::1", 9))
        assert not only_serves([os.getpid()])


def test_a_process_that_is_gone_offers_nothing(tmp_path: Path) -> None:
    """No error: that it ended is told elsewhere."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert not is_ready(Ready(tcp=1), child, tmp_path)
    assert not only_serves([child])


@pytest.mark.parametrize(
    ("ready", "words"),
    [
        (Ready(tcp=80), "listen on TCP port 80"),
        (Ready(udp=53), "bind UDP port 53"),
        (Ready(file="up"), "make the file up"),
    ],
)
def test_what_is_waited_for_has_words(ready: Ready, words: str) -> None:
    """For the sentence that says it did not come."""
    assert words == describe(ready)
