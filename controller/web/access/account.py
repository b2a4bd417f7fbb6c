"""Knows which account of this machine has opened a connection on its loopback: the kernel says so.

It is asked for the other end of the connection (sock_diag(7); linux/inet_diag.h), also a socket of this machine.
Only an end that is still held by a process counts: one that was closed is shown as root's.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct

from plctl.common.host.caller import caller

#: Host and port of one end.
End = tuple[str, int]

_ROOT = 0
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST = 4, 20, 1
_TCP_ESTABLISHED = 1
_ALL_STATES = 0xFFFFFFFF
_NO_COOKIE = 2**64 - 1
_TIMEOUT_S = 1
_RECEIVE_BYTES = 4096

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_REQUEST = struct.Struct("=BBBBI")  # struct inet_diag_req_v2, without its sockid
_SOCKET_ID = struct.Struct("=2s2s16s16sIQ")  # struct inet_diag_sockid
_ANSWER = struct.Struct("=BBBB48xIIIII")  # struct inet_diag_msg


def trusted_accounts() -> frozenset[int]:
    """The accounts that may do on the page what this process may: its own, root's, and that of who called sudo."""
    called = caller()
    return frozenset({os.geteuid(), _ROOT} | ({called[0]} if called else set()))


def account_of(theirs: End, ours: End) -> int | None:
    """The user id of the process at the end `theirs` of a connection to `ours`; None if it is not certain.

    Both are of this machine's network namespace.
    """
    try:
        return _asked(theirs, ours)
    except (OSError, ValueError, struct.error):  # no such socket, none of this machine, or nobody may ask here
        return None


def _asked(theirs: End, ours: End) -> int | None:
    there, here = (ipaddress.ip_address(end[0]) for end in (theirs, ours))
    family = socket.AF_INET if there.version == 4 else socket.AF_INET6
    ports = (port.to_bytes(2, "big") for port in (theirs[1], ours[1]))
    request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, _ALL_STATES)
    request += _SOCKET_ID.pack(*ports, there.packed, here.packed, 0, _NO_COOKIE)
    header = _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as asking:
        asking.settimeout(_TIMEOUT_S)
        asking.sendto(header + request, (0, 0))
        answer = asking.recv(_RECEIVE_BYTES)
    if _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return None  # an error: there is no such socket
    _, state, _, _, _, _, _, account, inode = _ANSWER.unpack_from(answer, _HEADER.size)
    return int(account) if state == _TCP_ESTABLISHED and inode else None
