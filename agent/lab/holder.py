"""The process that keeps one host of a laboratory alive: the first in its own namespaces, with which all others end.

Run as a script by the bare interpreter (`python -I -S holder.py ORDER`); hence the standard library only, and little of
it. ORDER is a JSON object:

    gate, status       descriptors: a byte is awaited from the first, and then its end; the second is written to
    netns              path of the host's network namespace
    hostname           what the host is to be called
    hosts_file         path of what it is to see as /etc/hosts
    monotonic_ns       what its CLOCK_MONOTONIC is to read, minus what the kernel's own reads
    boottime_ns        the same of CLOCK_BOOTTIME

Namespaces for time and processes are entered by children only, so that this process makes all of them, and its child is
the holder: process 1 of the host, at whose end the kernel kills every other. On the status pipe comes the child's pid
in a line, then "ready" from the child, or what went wrong. The holder ends when the gate does: with its keeper.
"""

import ctypes
import json
import os
import signal
import sys

_CLONE_NEWTIME, _CLONE_NEWNS, _CLONE_NEWUTS = 0x80, 0x20000, 0x4000000
_CLONE_NEWPID, _CLONE_NEWNET = 0x20000000, 0x40000000
_MS_BIND, _MS_REC, _MS_SLAVE = 0x1000, 0x4000, 0x80000
_MNT_DETACH = 2
_NS_PER_S = 1_000_000_000

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Carry out the order in argv."""
    order = json.loads(sys.argv[1])
    gate, status = order["gate"], order["status"]
    if not os.read(gate, 1):
        sys.exit(0)
    try:
        _leave_the_machine(order)
        if pid := os.fork():
            os.write(status, f"{pid}\n".encode())
            return
        os.setsid()
        _mount("proc", "/proc", "proc", 0)
    except OSError as error:
        os.write(status, str(error).encode())
        os._exit(1)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # process 1 gets no signal that it does not handle
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans become its children; so nobody has to wait for them
    os.write(status, b"ready\n")
    os.close(status)
    os.read(gate, 1)


def _leave_the_machine(order: dict[str, str]) -> None:
    """Enter and make the namespaces, as far as this process can; the child will be in all."""
    fd = os.open(order["netns"], os.O_RDONLY)
    _check(f"enter {order['netns']}", _libc.setns(fd, _CLONE_NEWNET))
    os.close(fd)
    flags = _CLONE_NEWTIME | _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWPID
    _check("make the namespaces of a host", _libc.unshare(flags))
    _shift_clocks(int(order["monotonic_ns"]), int(order["boottime_ns"]))
    name = order["hostname"].encode()
    _check("name the host", _libc.sethostname(name, ctypes.c_size_t(len(name))))
    os.chdir("/")
    _mount("none", "/", None, _MS_REC | _MS_SLAVE)  # what the machine mounts later is seen here, but not the reverse
    _check("leave /run/netns", _libc.umount2(b"/run/netns", _MNT_DETACH))
    _mount("tmpfs", "/run/netns", "tmpfs", 0)
    _mount("sysfs", "/sys", "sysfs", 0)
    _mount(order["hosts_file"], "/etc/hosts", None, _MS_BIND)


def _shift_clocks(monotonic_ns: int, boottime_ns: int) -> None:
    """Set the offsets of the time namespace that children will be in, while it is empty (time_namespaces(7))."""
    lines = (
        f"{clock} {ns // _NS_PER_S} {ns % _NS_PER_S}\n"
        for clock, ns in (("monotonic", monotonic_ns), ("boottime", boottime_ns))
    )
    fd = os.open("/proc/self/timens_offsets", os.O_WRONLY)
    try:
        os.write(fd, "".join(lines).encode())
    except OSError as error:
        raise OSError(f"cannot set the clocks of a host: {error.strerror}") from None
    finally:
        os.close(fd)


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    result = _libc.mount(source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), None)
    _check(f"mount {source} on {target}", result)


def _check(attempt: str, result: int) -> None:
    if result != 0:
        raise OSError(f"cannot {attempt}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
