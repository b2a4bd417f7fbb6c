"""Tells whether what a workload promised to offer is there: a listening TCP port, a bound UDP port, or a file.

Ports are read from /proc/<pid>/net, which shows the network namespace of that process: no socket is opened, so the
server sees no connection that its clients did not make.
"""

from __future__ import annotations

from pathlib import Path

from plctl.common.plan.run_plan import Ready

_TCP_LISTEN = "0A"  # TCP_LISTEN in the kernel's net/tcp_states.h


def is_ready(ready: Ready, pid: int, folder: Path) -> bool:
    """Whether the gate is open: `pid` is any process in the namespace, `folder` where a relative file is looked for."""
    if ready.tcp:
        return any(state == _TCP_LISTEN and port == ready.tcp for port, state in _sockets(pid, "tcp"))
    if ready.udp:
        return any(port == ready.udp for port, _ in _sockets(pid, "udp"))
    return (folder / ready.file).exists()


def describe(ready: Ready) -> str:
    """What is waited for, as the object of a sentence: ``listen on TCP port 5201``."""
    if ready.tcp:
        return f"listen on TCP port {ready.tcp}"
    return f"bind UDP port {ready.udp}" if ready.udp else f"make the file {ready.file}"


def _sockets(pid: int, protocol: str) -> list[tuple[int, str]]:
    """(local port, state) of every socket of `protocol` in the network namespace of `pid` (proc(5))."""
    found = []
    for family in ("", "6"):
        try:
            lines = Path(f"/proc/{pid}/net/{protocol}{family}").read_text().splitlines()[1:]
        except (FileNotFoundError, ProcessLookupError, OSError):
            continue  # the process is gone, or the kernel has no IPv6
        for line in lines:
            _, local, _, state, *_ = line.split()
            found.append((int(local.rpartition(":")[2], 16), state))
    return found
