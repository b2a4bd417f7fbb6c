"""What the forwarder gives up before it reads the first frame: it parses what anybody on a link may send.

Files cannot be written any more, programs not executed, other processes neither traced nor signalled, nothing mounted.
Descriptors that it has stay as they are. Left is what a link takes: to enter its namespace, and to open sockets there.
See capabilities(7), mount_setattr(2), seccomp(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass
from pathlib import Path

#: By number, as in linux/capability.h. NET_ADMIN, NET_RAW and BPF: packet and XDP sockets. SYS_ADMIN: to enter a
#: namespace. SYS_PTRACE: to open the packet log, which is the agent's. The others: memory and real-time threads.
_KEPT = {
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_IPC_LOCK": 14,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
    "CAP_SYS_NICE": 23,
    "CAP_SYS_RESOURCE": 24,
    "CAP_BPF": 39,
}
_LAST_CAPABILITY = 63

_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 24, 38, 22
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_NEWNS = 0x00020000
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MOUNT_ATTR_RDONLY = 0x1
_MS_SLAVE = 1 << 19
_SYS_MOUNT_SETATTR = 442  #: on every architecture


@dataclass(frozen=True, slots=True)
class _Architecture:
    audit: int  #: its number in linux/audit.h
    capset: int
    tgkill: int
    denied: tuple[int, ...]


#: Since Linux 5.1 new calls have one number everywhere: pidfd_send_signal, open_tree, move_mount, fsopen, fsconfig,
#: fsmount, fspick, pidfd_getfd, mount_setattr.
_DENIED_EVERYWHERE = (424, *range(428, 434), 438, _SYS_MOUNT_SETATTR)
#: In this order: ptrace, process_vm_readv, process_vm_writev, mount, umount2, pivot_root, chroot, execve, execveat,
#: init_module, finit_module, delete_module, kexec_load, kexec_file_load, reboot, swapon, swapoff, open_by_handle_at,
#: kill, tkill, rt_sigqueueinfo.
_ARCHITECTURES = {
    "x86_64": _Architecture(
        0xC000003E,
        126,
        234,
        (101, 310, 311, 165, 166, 155, 161, 59, 322, 175, 313, 176, 246, 320, 169, 167, 168, 304, 62, 200, 129),
    ),
    "aarch64": _Architecture(
        0xC00000B7,
        91,
        131,
        (117, 270, 271, 40, 39, 41, 51, 221, 281, 105, 273, 106, 104, 294, 142, 224, 225, 265, 129, 130, 138),
    ),
}

_libc = ctypes.CDLL(None, use_errno=True)


def confine() -> str:
    """Confine this process, which has one thread yet; a sentence if something of it was refused, else empty."""
    refusals = []
    for what, give_up in (
        ("files stay writable", _forbid_writing),
        ("capabilities stay", _drop_capabilities),
        ("system calls stay", _forbid_calls),
    ):
        try:
            give_up()
        except OSError as error:
            refusals.append(f"{what}: {error.strerror}")
    return f"the forwarder is not confined: {'; '.join(refusals)}" if refusals else ""


def _forbid_writing() -> None:
    """A mount namespace in which all is read-only; what the host mounts later, such as namespaces, comes into it."""
    _check(_libc.unshare(_CLONE_NEWNS))
    attributes = struct.pack("QQQQ", _MOUNT_ATTR_RDONLY, 0, _MS_SLAVE, 0)
    _check(_libc.syscall(_SYS_MOUNT_SETATTR, _AT_FDCWD, b"/", _AT_RECURSIVE, attributes, len(attributes)))


def _drop_capabilities() -> None:
    for capability in set(range(_LAST_CAPABILITY + 1)) - {*_KEPT.values()}:
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 and ctypes.get_errno() != errno.EINVAL:
            _check(-1)  # EINVAL: this kernel does not know it
    kept = sum(1 << number for number in _KEPT.values()) & _permitted()
    low, high = kept & 0xFFFFFFFF, kept >> 32
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.syscall(_architecture().capset, header, struct.pack("6I", low, low, 0, high, high, 0)))
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _permitted() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapPrm:"))


def _forbid_calls() -> None:
    """Answer the calls that a forwarder never makes with EPERM; it may signal itself, as abort(3) does."""
    program = _filter(_architecture(), os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    _check(_libc.prctl(_PR_SET_SECCOMP, 2, fprog, 0, 0))


def _filter(architecture: _Architecture, pid: int) -> bytes:
    """A program of classic BPF over `struct seccomp_data`: number at 0, architecture at 4, first argument at 16."""
    allow, deny = 0x7FFF0000, 0x00050000 | errno.EPERM
    load, equal, answer = 0x20, 0x15, 0x06
    denied = (*architecture.denied, *_DENIED_EVERYWHERE)
    steps = [
        (load, 0, 0, 4),
        (equal, 1, 0, architecture.audit),
        (answer, 0, 0, deny),
        (load, 0, 0, 0),
        (equal, 0, 2, architecture.tgkill),
        (load, 0, 0, 16),
        (equal, len(denied), len(denied) + 1, pid),  # to the last step but one, or to the last
        *((equal, len(denied) - number, 0, call) for number, call in enumerate(denied)),
        (answer, 0, 0, allow),
        (answer, 0, 0, deny),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _architecture() -> _Architecture:
    machine = os.uname().machine
    try:
        return _ARCHITECTURES[machine]
    except KeyError:
        raise OSError(errno.ENOSYS, f"the numbers of system calls of {machine} are not known here") from None


def _check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
