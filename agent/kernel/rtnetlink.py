"""Send many rtnetlink requests to one namespace at once and name the one that failed; ask it for a route.

pyroute2 knows the messages; its `IPRoute` then spends some 0.35 ms a request on its event loop. Building a link takes
two dozen requests, so a batch goes out in one sendmsg(2), from a socket that was made inside the namespace.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyroute2.netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR
from pyroute2.netlink.rtnl import RTM_NEWADDR
from pyroute2.netlink.rtnl.ifaddrmsg import IFA_F_TENTATIVE

from plctl.common.base.errors import KernelError

QUERY = NLM_F_REQUEST
DUMP = NLM_F_REQUEST | NLM_F_DUMP
NEW = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
CHANGE = NLM_F_REQUEST | NLM_F_ACK

_SOL_NETLINK, _NETLINK_EXT_ACK, _NETLINK_CAP_ACK = 270, 11, 10
_NLM_F_CAPPED, _NLM_F_ACK_TLVS = 0x100, 0x200
_NLMSGERR_ATTR_MSG = 1
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port: struct nlmsghdr
_ERRNO = struct.Struct("=i")
_ROUTE_TYPE_OFFSET = 7  # in struct rtmsg
_ADDRESS_FLAGS_OFFSET = 2  # in struct ifaddrmsg
_ATTRIBUTE = struct.Struct("=HH")  # length, type: struct nlattr
_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Request:
    """One encoded message and the words for what it attempts, as they follow "cannot"."""

    attempt: str
    data: bytes

    @classmethod
    def encode(cls, attempt: str, message: Any, kind: int, flags: int) -> Request:
        """Encode `message`, one of pyroute2's message objects, as the request `kind` (an RTM_… number)."""
        message["header"]["type"] = kind
        message["header"]["flags"] = flags
        message.encode()
        return cls(attempt, bytes(message.data))


def open_netlink() -> socket.socket:
    """A route netlink socket of the calling thread's namespace.

    :raises KernelError: the kernel refuses.
    """
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        for option in (_NETLINK_EXT_ACK, _NETLINK_CAP_ACK):
            netlink.setsockopt(_SOL_NETLINK, option, 1)
        netlink.settimeout(_TIMEOUT_S)
        netlink.bind((0, 0))
    except OSError as error:
        raise KernelError.from_os("open a netlink socket", error) from error
    return netlink


def send(netlink: socket.socket, requests: Sequence[Request]) -> None:
    """Have the kernel do all of `requests` in order.

    :raises KernelError: the first that failed (the kernel goes on with those behind it); `__cause__` is the OSError.
    """
    try:
        netlink.send(b"".join(_number(i, request.data) for i, request in enumerate(requests)))
        answers: dict[int, tuple[int, str]] = {}
        while len(answers) < len(requests):
            answers.update(_parse_answers(netlink.recv(65536)))
    except OSError as error:
        raise KernelError.from_os(f"{requests[0].attempt} (no answer from netlink)", error) from error
    for i, request in enumerate(requests):
        code, explanation = answers[i]
        if code:
            _raise(request.attempt, code, explanation)


def find_route(netlink: socket.socket, request: Request) -> int:
    """The type (an RTN_… number) of the route that `request`, an RTM_GETROUTE without acknowledgement, asks for.

    :raises KernelError: there is none; `__cause__` is the OSError.
    """
    try:
        netlink.send(_number(0, request.data))
        answer = netlink.recv(65536)
    except OSError as error:
        raise KernelError.from_os(f"{request.attempt} (no answer from netlink)", error) from error
    code, explanation = _parse_answers(answer).get(0, (0, ""))
    if code:
        _raise(request.attempt, code, explanation)
    return answer[_HEADER.size + _ROUTE_TYPE_OFFSET]


def has_tentative(netlink: socket.socket, request: Request) -> bool:
    """Whether any address that `request`, an RTM_GETADDR for all, asks for is still tentative.

    :raises KernelError: the kernel refuses.
    """
    found = done = False
    try:
        netlink.send(_number(0, request.data))
        while not done:
            for message in _split(netlink.recv(65536)):
                _, kind, _, _, _ = _HEADER.unpack_from(message)
                done = done or kind in (NLMSG_DONE, NLMSG_ERROR)
                is_address = kind == RTM_NEWADDR
                found = found or (is_address and bool(message[_HEADER.size + _ADDRESS_FLAGS_OFFSET] & IFA_F_TENTATIVE))
    except OSError as error:
        raise KernelError.from_os(f"{request.attempt} (no answer from netlink)", error) from error
    return found


def _raise(attempt: str, code: int, explanation: str) -> None:
    cause = OSError(code, os.strerror(code))
    error = KernelError.from_os(attempt, cause)
    raise (KernelError(f"{error} ({explanation})") if explanation else error) from cause


def _number(sequence: int, data: bytes) -> bytes:
    length, kind, flags, _, _ = _HEADER.unpack_from(data)
    return (_HEADER.pack(length, kind, flags, sequence, 0) + data[_HEADER.size :]).ljust(_align(len(data)), b"\0")


def _parse_answers(data: bytes) -> dict[int, tuple[int, str]]:
    """Sequence number → (errno, the kernel's explanation) for each acknowledgement in `data`."""
    answers = {}
    for message in _split(data):
        _, kind, flags, sequence, _ = _HEADER.unpack_from(message)
        if kind == NLMSG_ERROR:
            (code,) = _ERRNO.unpack_from(message, _HEADER.size)
            answers[sequence] = (-code, _find_explanation(message, flags) if code else "")
    return answers


def _split(data: bytes) -> Iterator[bytes]:
    """The messages that arrived together, header included."""
    while len(data) >= _HEADER.size:
        length = _HEADER.unpack_from(data)[0]
        yield data[:length]
        data = data[_align(length) :]


def _find_explanation(answer: bytes, flags: int) -> str:
    """The extended acknowledgement's text, if there is one (linux/netlink.h: struct nlmsgerr, NLMSGERR_ATTR_MSG)."""
    if not flags & _NLM_F_ACK_TLVS:
        return ""
    start = _HEADER.size + _ERRNO.size
    (quoted,) = struct.unpack_from("=I", answer, start)
    start += _HEADER.size if flags & _NLM_F_CAPPED else _align(quoted)
    while start + _ATTRIBUTE.size <= len(answer):
        length, kind = _ATTRIBUTE.unpack_from(answer, start)
        if kind == _NLMSGERR_ATTR_MSG:
            return answer[start + _ATTRIBUTE.size : start + length].rstrip(b"\0").decode(errors="replace")
        start += max(_align(length), _ATTRIBUTE.size)
    return ""


def _align(length: int) -> int:
    return (length + 3) & ~3
