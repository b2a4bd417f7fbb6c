"""What the benchmarks share: one link in its namespaces, a sender at C speed, and where results go."""

from __future__ import annotations

import contextlib
import ctypes
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute

from plctl.agent import namespace, netns
from plctl.agent.ledger import Ledger
from plctl.agent.netns import SERVER_INTERFACE, SERVER_IPV4, Triple
from plctl.common.plan import LinkPlan
from plctl.common.state import Owner
from plctl.common.units import NS_PER_MS, NS_PER_S

UDP_OVER_ETHERNET = 14 + 20 + 8  #: bytes of headers in a frame without options
PORT = 9
BATCH = 64


@dataclass(frozen=True)
class World:
    """A link's namespaces and the ledger of who made them."""

    triple: Triple
    ledger: Ledger


@contextlib.contextmanager
def world(plan: LinkPlan) -> Iterator[World]:
    """The namespaces for `plan`, for as long as the block. We and our children come before other sessions."""
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text("-20")
    with Owner.create("bench") as owner, contextlib.closing(Ledger(owner.ledger_path)) as ledger:
        triple = Triple.named("bench", str(os.getpid()), plan.name)
        netns.build(triple, plan, ledger)
        try:
            yield World(triple, ledger)
        finally:
            netns.remove(triple, ledger)
            owner.remove()


@contextlib.contextmanager
def deaf_receiver(triple: Triple) -> Iterator[None]:
    """A UDP socket at the server that is never read: what arrives is dropped cheaply and without an ICMP answer."""
    with netns.open_socket(triple.server, socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        receiver.bind((SERVER_IPV4, PORT))
        yield


def received_packets(triple: Triple) -> int:
    """Frames that the server's interface has received."""

    def ask() -> int:
        with IPRoute() as kernel:
            (link,) = kernel.get_links(ifname=SERVER_INTERFACE)
            return int(link.get("stats64")["rx_packets"])

    return namespace.run_inside(triple.server, ask)


@contextlib.contextmanager
def flood(triple: Triple, frame_bytes: int, bps: int = 0) -> Iterator[None]:
    """Frames of `frame_bytes` from the client to the server, from a process of its own.

    As fast as one CPU can; or on average at `bps`, in bursts every millisecond.
    """
    with netns.open_socket(triple.client, socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((SERVER_IPV4, PORT))
        per_ms = bps / (8 * 1000 * frame_bytes)
        process = multiprocessing.get_context("fork").Process(
            target=_send_for_ever, args=(sender.fileno(), frame_bytes - UDP_OVER_ETHERNET, per_ms), daemon=True
        )
        process.start()
        try:
            yield
        finally:
            process.kill()
            process.join()


@contextlib.contextmanager
def iperf3(triple: Triple, frame_bytes: int) -> Iterator[None]:
    """The same by iperf3: a system call for each datagram, as most applications do it."""
    length = str(frame_bytes - UDP_OVER_ETHERNET)
    sending = ("iperf3", "-c", SERVER_IPV4, "-u", "-b", "0", "-t", "60", "-l", length, "--forceflush")
    with running(triple.server, "iperf3", "-s", "-1", "--forceflush") as server:
        await_line(server, "listening")
        with running(triple.client, *sending) as client:
            await_line(client, "connected")
            yield


def await_line(process: subprocess.Popen[str], word: str) -> None:
    """Read what `process` says until a line with `word`."""
    assert process.stdout is not None
    if not any(word in line for line in process.stdout):
        raise RuntimeError(f"{process.args} ended without saying {word!r}: {process.wait()}")


@contextlib.contextmanager
def running(name: str, *command: str) -> Iterator[subprocess.Popen[str]]:
    """`command` in the namespace `name`, killed after the block."""
    run = ("ip", "netns", "exec", name, *command)
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def delivered_per_second(triple: Triple, seconds: float) -> float:
    """How many frames reach the server in a second, measured over `seconds`."""
    before, begun_ns = received_packets(triple), time.monotonic_ns()
    time.sleep(seconds)
    after, ended_ns = received_packets(triple), time.monotonic_ns()
    return (after - before) * NS_PER_S / (ended_ns - begun_ns)


def summary(values: Sequence[float]) -> dict[str, float]:
    """Median and range."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def write_result(name: str, result: dict[str, Any]) -> None:
    """Keep `result`, and on what it was measured, as bench-out/<name>.json in the current folder."""
    folder = Path("bench-out")
    folder.mkdir(exist_ok=True)
    machine = {"cpus": os.cpu_count(), "kernel": os.uname().release, "load_1min": os.getloadavg()[0]}
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"machine": machine, **result}, indent=2) + "\n")
    print(f"written to {path}")


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
        due = BATCH
        if per_ms:
            time.sleep(0.001)
            due = min(BATCH, int((time.monotonic_ns() - begun_ns) * per_ms / NS_PER_MS) - sent)
        sent += max(0, sendmmsg(descriptor, messages, due, 0))
