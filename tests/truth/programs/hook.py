"""Attaches a BPF program that drops a frame in sixteen to an interface, by a bpf link that ends with this process.

    python3 -I -S hook.py tcx|xdp INTERFACE SECONDS

The kernel tells nobody of it: neither tc nor a netlink listing shows a program of tcx. Run inside the namespace.
"""

import ctypes
import os
import platform
import socket
import struct
import sys
import time

_BPF = {"x86_64": 321, "aarch64": 280}
_PROG_LOAD, _LINK_CREATE = 5, 28
#: linux/bpf.h: type of program, attach type, flags of the link, what lets a frame pass, what drops it.
_HOOKS = {"tcx": (3, 46, 0, -1, 2), "xdp": (6, 37, 2, 2, 1)}


def _call(command, attributes):
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = libc.syscall(_BPF[platform.machine()], command, buffer, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _instruction(code, registers=0, offset=0, value=0):
    return struct.pack("=BBhi", code, registers, offset, value)


def main():
    """Attach, hold, go."""
    kind, interface, seconds = sys.argv[1:]
    program_type, attach_type, flags, let_pass, drop = _HOOKS[kind]
    code = ctypes.create_string_buffer(
        _instruction(0x85, value=7)  # call bpf_get_prandom_u32
        + _instruction(0x57, 0, value=15)  # r0 &= 15
        + _instruction(0x15, 0, 2, 0)  # if r0 == 0 go on two further
        + _instruction(0xB7, 0, value=let_pass)
        + _instruction(0x95)
        + _instruction(0xB7, 0, value=drop)
        + _instruction(0x95)
    )
    license_text = ctypes.create_string_buffer(b"MIT")
    load = struct.pack(
        "=IIQQIIQII16sII", program_type, 7, ctypes.addressof(code), ctypes.addressof(license_text), 0, 0, 0, 0, 0, b"",
        0, attach_type,
    )  # fmt: skip
    program = _call(_PROG_LOAD, load)
    _call(_LINK_CREATE, struct.pack("=IIII", program, socket.if_nametoindex(interface), attach_type, flags))
    print("attached", flush=True)
    time.sleep(min(float(seconds), 10.0))


if __name__ == "__main__":
    main()
