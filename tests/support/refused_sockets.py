"""A kernel without a kind of socket, for a process and its children: a seccomp filter answers as that kernel would."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
#: The number of socket(2), by machine.
SYS_SOCKET = {"x86_64": 41, "aarch64": 198}


def refuse_sockets(family: int) -> None:
    """From now on and in all children socket(family, …) fails with EAFNOSUPPORT. See seccomp(2) for the program."""
    load, jump_if_equal, answer = 0x20, 0x15, 0x06
    errno_answer, allow = 0x00050000, 0x7FFF0000
    instructions = [
        (load, 0, 0, 0),  # the system call's number
        (jump_if_equal, 0, 3, SYS_SOCKET[platform.machine()]),
        (load, 0, 0, 16),  # its first argument
        (jump_if_equal, 0, 1, family),
        (answer, 0, 0, errno_answer | errno.EAFNOSUPPORT),
        (answer, 0, 0, allow),
    ]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in instructions))
    filter_ = struct.pack("@HP", len(instructions), ctypes.addressof(program))
    assert 0 == ctypes.CDLL(None).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0)
