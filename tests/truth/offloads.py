"""Switches an interface's offloads on as `ethtool -K` would, by its old commands, which every kernel understands."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct

from truth.inside import inside

_SIOCETHTOOL = 0x8946
#: linux/ethtool.h: ETHTOOL_STXCSUM, SSG, STSO, SGSO, SGRO, in the order in which one needs the other.
_COMMANDS = (0x17, 0x19, 0x1F, 0x24, 0x2C)


def switch_on(namespace: int, interface: str) -> None:
    """Transmit checksums, scatter-gather, TSO, GSO and GRO of `interface`; what it cannot is left out."""

    def act() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            for command in _COMMANDS:
                value = ctypes.create_string_buffer(struct.pack("=II", command, 1))
                request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
                try:
                    fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
                except OSError:
                    continue

    inside(namespace, act)
