"""Tells whether what a workload promised to offer is there: a listening TCP port, a bound UDP port, or a file.

Ports are read from /proc/<pid>/net, which shows the network namespace of that process: no socket is opened, so the
server sees no connection that its clients did not make.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from plctl.common.plan.run_plan import Ready

_TCP_LISTEN = "0A"  # TCP_LISTEN in the kernel's net/tcp_states.h
_FIRST_EPHEMERAL = 32768  # of ip_local_port_range as a new namespace has it


def is_ready(ready: Ready, pid: int, folder: Path) -> bool:
    """Whether the gate is open: `pid` is any process in the namespace, `folder` where a relative file is looked for."""
    if ready.tcp:
        return any(s.state == _TCP_LISTEN and s.port == ready.tcp for s in _sockets(pid, "tcp"))
    if ready.udp:
        return any(socket.port == ready.udp for socket in _sockets(pid, "udp"))
    return (folder / ready.file).exists()


def only_serves(pids: Iterable[int]) -> bool:
    """Whether one of the processes `pids`, which share a network namespace, has a socket that waits for clients.

    That is a listening TCP socket, or a UDP socket without a peer on a port that the kernel never chooses by itself.
    """
    return any(_inodes(pid) & _serving(pid) for pid in pids)


def describe(ready: Ready) -> str:
    """What is waited for, as the object of a sentence: ``listen on TCP port 5201``."""
    if ready.tcp:
        return f"listen on TCP port {ready.tcp}"
    return f"bind UDP port {ready.udp}" if ready.udp else f"make the file {ready.file}"


@dataclass(frozen=True, slots=True)
class _KernelSocket:
    port: int
    peer_port: int
    state: str
    inode: str


def _serving(pid: int) -> set[str]:
    """The inodes of all sockets in the namespace of `pid` that wait for clients."""
    tcp = {socket.inode for socket in _sockets(pid, "tcp") if socket.state == _TCP_LISTEN}
    udp = {s.inode for s in _sockets(pid, "udp") if not s.peer_port and 0 < s.port < _FIRST_EPHEMERAL}
    return tcp | udp


def _inodes(pid: int) -> set[str]:
    """The inodes of the sockets that `pid` has open."""
    found = set()
    with suppress(OSError):  # it is gone
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if (target := str(entry.readlink())).startswith("socket:["):
                    found.add(target.removeprefix("socket:[").removesuffix("]"))
    return found


def _sockets(pid: int, protocol: str) -> list[_KernelSocket]:
    """Every socket of `protocol` in the network namespace of `pid` (proc(5))."""
    found = []
    for family in ("", "6"):
        try:
            lines = Path(f"/proc/{pid}/net/{protocol}{family}").read_text().splitlines()[1:]
        except (FileNotFoundError, ProcessLookupError, OSError):
            continue  # the process is gone, or the kernel has no IPv6
        for line in lines:
            fields = line.split()
            local, peer = (int(fields[place].rpartition(":")[2], 16) for place in (1, 2))
            found.append(_KernelSocket(local, peer, fields[3], fields[9]))
    return found
