"""What sends in the benchmarks: processes of their own, so that no GIL is shared with what measures."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

from support.world import PORT

from plctl.agent.kernel import link_namespaces
from plctl.agent.kernel.link_namespaces import SERVER_IPV4, LinkNamespaces
from plctl.common.base.units import NS_PER_MS

UDP_OVER_ETHERNET = 14 + 20 + 8  #: bytes of headers in a frame without options
BATCH = 64
PAUSE_S = 0.0005


@contextlib.contextmanager
def _process(target: Callable[..., None], *arguments: object) -> Iterator[int]:
    """Its number."""
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments, daemon=True)
    process.start()
    assert process.pid
    try:
        yield process.pid
    finally:
        process.kill()
        process.join()


@contextlib.contextmanager
def flood(namespaces: LinkNamespaces, frame_bytes: int, bps: int = 0) -> Iterator[int]:
    """Frames of `frame_bytes` from the client to the server, from a process of its own, whose number it gives.

    As fast as one CPU can; or on average at `bps`, in bursts every millisecond.
    """
    with link_namespaces.open_socket(namespaces.client, socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((SERVER_IPV4, PORT))
        per_ms = bps / (8 * 1000 * frame_bytes)
        with _process(_send_for_ever, sender.fileno(), frame_bytes - UDP_OVER_ETHERNET, per_ms) as pid:
            yield pid


@contextlib.contextmanager
def in_turn(senders: Sequence[socket.socket], frame_bytes: int, interval_ns: int) -> Iterator[None]:
    """From each of the connected sockets in turn a frame of `frame_bytes`, from each one every `interval_ns`."""
    with _process(_send_in_turn, senders, frame_bytes - UDP_OVER_ETHERNET, interval_ns):
        yield


def _send_in_turn(senders: Sequence[socket.socket], payload_bytes: int, interval_ns: int) -> None:
    payload = bytes(payload_bytes)
    begun_ns = time.monotonic_ns()
    for sent, sender in enumerate(cycle(senders)):
        while sent * interval_ns > (time.monotonic_ns() - begun_ns) * len(senders):
            time.sleep(PAUSE_S)
        sender.send(payload)


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):  # struct msghdr
    _fields_ = (
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32),
        ("pieces", ctypes.POINTER(_Iovec)), ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t), ("flags", ctypes.c_int),
    )  # fmt: skip


class _Message(ctypes.Structure):  # struct mmsghdr
    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


def _send_for_ever(descriptor: int, payload_bytes: int, per_ms: float) -> None:
    """The calls into libc last long enough for Python's share to vanish: one for 64 datagrams."""
    payload = ctypes.create_string_buffer(payload_bytes)
    piece = _Iovec(ctypes.addressof(payload), payload_bytes)
    messages = (_Message * BATCH)(
        *(_Message(_Header(pieces=ctypes.pointer(piece), piece_count=1)) for _ in range(BATCH))
    )
    sendmmsg = ctypes.CDLL(None).sendmmsg
    begun_ns, sent = time.monotonic_ns(), 0
    while True:
        due = int((time.monotonic_ns() - begun_ns) * per_ms / NS_PER_MS) - sent if per_ms else BATCH
        if due > 0:
            sent += max(0, sendmmsg(descriptor, messages, min(BATCH, due), 0))
        else:
            time.sleep(0.001)
