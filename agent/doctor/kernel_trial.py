"""Tries what links need of the kernel, for real, in namespaces that vanish with the process that tries.

That process is a fork of ours, or by hand `python -P -m plctl.agent.doctor.kernel_trial`. It leaves the host's network
and mount namespaces first, makes what a link is made of, sends one frame through it, and says what happened. Nothing
has a name outside it, so that nothing can be left behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import mmap
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import NoReturn

from pyroute2.netlink.rtnl.ifinfmsg import IFF_UP

from plctl.agent.kernel import rtnetlink, sysctl, veth
from plctl.common.base.errors import KernelError, WorldError
from plctl.common.base.interpreter import module_command
from plctl.common.base.process_end import how_it_ended

_TIMEOUT_S = 20.0

# From the kernel's headers: sched.h, mount.h, if_packet.h, if_ether.h, unistd.h.
_CLONE_NEWTIME, _CLONE_NEWNS, _CLONE_NEWNET = 0x80, 0x20000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_SOL_PACKET, _PACKET_RX_RING, _PACKET_VERSION, _TPACKET_V2, _TP_STATUS_USER = 263, 5, 10, 1, 1
_ETH_P_ALL, _AF_XDP = 3, 44
_SYS_EPOLL_PWAIT2 = 441  # the same number on every architecture

_BLOCK_BYTES, _BLOCKS, _FRAME_BYTES = 1 << 16, 4, 1 << 11
_SETTING = "ipv4/conf/default/accept_redirects"
_MTU = 1500
_FRAME = bytes(6 * [0xFF]) + bytes(6) + struct.pack("!H", 0x88B5) + bytes(46)  # 0x88B5: for local experiments

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class TrialStep:
    """What came of one attempt; `errno` is 0 if it worked."""

    name: str
    errno: int


def trial_command() -> list[str]:
    """The command line that tries by hand."""
    return module_command("plctl.agent.doctor.kernel_trial")


def try_kernel() -> list[TrialStep]:
    """Run the trial in a child process and return its steps in order; after one that failed, dependent ones lack.

    :raises WorldError: the child did not report.
    """
    return Trial().steps()


class Trial:
    """A trial that goes on in a child process, while this one does something else.

    The child is a fork: another interpreter would import for 0.15 s what is here already. So no other thread may run
    when it is begun.
    """

    def __init__(self) -> None:
        """Begin; `steps` is to be called, once.

        :raises KernelError: there is no room for another process, or for its pipe.
        """
        self._deadline_s = time.monotonic() + _TIMEOUT_S
        try:
            with contextlib.ExitStack() as stack:
                self._reading, writing = os.pipe()
                stack.callback(os.close, self._reading)
                stack.callback(os.close, writing)
                self._child = os.fork()
                stack.pop_all()
        except OSError as error:
            raise KernelError.from_os("try the kernel in a process of its own", error) from error
        if not self._child:
            _be_child(writing)
        os.close(writing)

    def steps(self) -> list[TrialStep]:
        """As `try_kernel`."""
        try:
            said = _read_to_end(self._reading, self._deadline_s)
        except TimeoutError:
            os.kill(self._child, signal.SIGKILL)
            raise WorldError(f"cannot try the kernel: no answer within {_TIMEOUT_S:.0f} s") from None
        finally:
            os.close(self._reading)
            status = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        if status:
            raise WorldError(f"cannot try the kernel: {said.decode(errors='replace') or how_it_ended(status)}")
        return [TrialStep(**step) for step in json.loads(said)]


def _be_child(writing: int) -> NoReturn:
    """Try, write what happened, and end without touching anything of the parent's, buffers included."""
    said, status = "", 1
    try:
        os.chdir("/")
        said, status = _try_all(), 0
    except BaseException as error:  # whatever it is, the parent must hear of it and this copy of it must end
        said = f"{type(error).__name__}: {error}"
    finally:
        with contextlib.suppress(OSError):  # the parent has ended
            os.write(writing, said.encode())
        os._exit(status)


def _read_to_end(reading: int, deadline_s: float) -> bytes:
    """What comes until the other end is closed.

    :raises TimeoutError: it was not closed by `deadline_s` (CLOCK_MONOTONIC).
    """
    said = b""
    while select.select([reading], [], [], max(0, deadline_s - time.monotonic()))[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            return said
        said += part
    raise TimeoutError


def main() -> None:
    """Print the steps as JSON, from a process that is good for nothing else afterwards."""
    print(_try_all())


def _try_all() -> str:
    """Leave the host's namespaces and make every attempt; the steps as JSON."""
    steps = [_attempt("epoll_pwait2", _try_epoll_pwait2), _attempt("time namespace", _try_time_namespace)]
    for name, attempt in (
        ("network namespace", lambda: _unshare(_CLONE_NEWNET)),
        ("network settings", _try_settings),
        ("namespace name", _try_naming),
        ("veth", _make_veth_pair),
        ("packet ring", _try_packet_ring),
    ):
        steps.append(_attempt(name, attempt))
        if steps[-1].errno:
            break
    steps.append(_attempt("AF_XDP", lambda: socket.socket(_AF_XDP, socket.SOCK_RAW, 0).close()))
    return json.dumps([asdict(step) for step in steps])


def _attempt(name: str, attempt: Callable[[], None]) -> TrialStep:
    try:
        attempt()
    except OSError as error:
        return TrialStep(name, error.errno or errno.EIO)
    return TrialStep(name, 0)


def _try_epoll_pwait2() -> None:
    """Call it with a descriptor that cannot be: a kernel that has the call says EBADF, one that has not ENOSYS."""
    ctypes.set_errno(0)
    _libc.syscall(_SYS_EPOLL_PWAIT2, -1, None, 1, None, None, 0)
    if ctypes.get_errno() == errno.ENOSYS:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def _try_time_namespace() -> None:
    """Only future children would enter it, and there are none."""
    _unshare(_CLONE_NEWTIME)


def _try_settings() -> None:
    """Write a setting of this namespace as it is: a container may show them read-only, and give no other view."""
    try:
        with sysctl.Settings("this namespace") as here:
            here.write({_SETTING: here.read(_SETTING)})
    except KernelError as error:
        raise error.__cause__ or error from None


def _try_naming() -> None:
    """Name this namespace the way /run/netns does, in a mount namespace and on a file system of our own."""
    _unshare(_CLONE_NEWNS)
    _mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE)
    _mount(b"tmpfs", b"/run", b"tmpfs", 0)
    os.close(os.open("/run/name", os.O_CREAT | os.O_RDONLY))
    _mount(b"/proc/self/ns/net", b"/run/name", None, _MS_BIND)


def _make_veth_pair() -> None:
    ends = (veth.VethEnd("trial0", 1000, "02:00:00:00:00:01"), veth.VethEnd("trial1", 1001, "02:00:00:00:00:02"))
    here = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with rtnetlink.open_netlink() as netlink:
            rtnetlink.send(netlink, [veth.veth_request(*ends, "this namespace", here, _MTU)])
            rtnetlink.send(netlink, [veth.flags_request(end.interface, end.index, IFF_UP) for end in ends])
    except KernelError as error:
        raise error.__cause__ or error from None
    finally:
        os.close(here)


def _try_packet_ring() -> None:
    """Receive a frame through a TPACKET_V2 ring."""
    ring_socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with ring_socket, socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        ring_socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
        frames = _BLOCK_BYTES // _FRAME_BYTES * _BLOCKS
        request = struct.pack("=4I", _BLOCK_BYTES, _BLOCKS, _FRAME_BYTES, frames)
        ring_socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
        with mmap.mmap(ring_socket.fileno(), _BLOCK_BYTES * _BLOCKS) as ring:
            ring_socket.bind(("trial1", _ETH_P_ALL))
            sender.bind(("trial0", 0))
            sender.send(_FRAME)
            poll = select.poll()
            poll.register(ring_socket, select.POLLIN)
            poll.poll(1000)
            if not ring[0] & _TP_STATUS_USER:
                raise OSError(errno.ETIMEDOUT, "no frame in the ring within 1 s")


def _unshare(flags: int) -> None:
    _check(_libc.unshare(flags))


def _mount(source: bytes, target: bytes, kind: bytes | None, flags: int) -> None:
    _check(_libc.mount(source, target, kind, ctypes.c_ulong(flags), None))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main()
