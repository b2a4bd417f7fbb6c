"""The forwarder's own process: it carries out the agent's requests, and ends when the agent does.

`python -P -m plctl.agent.forwarder.process OPTIONS CONTROL STATS SLOTS BUDGET` is started by `client`, with
`ForwarderOptions` as JSON and two inherited descriptors: one end of a stream socket and the memory for statistics. On
the socket each side sends msgpack maps, each behind its length (4 bytes, big-endian): requests `{id, verb, …}` and, in
any order, answers `{id, error, result}`, where an empty error means success. End of file ends the process, and so does
the death of its parent.

A process of its own, so that a workload of the agent's interpreter never waits for the packets' GIL or the reverse, and
so that a crash of one leaves the other able to report it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgpack

from plctl.agent.forwarder.confinement import confine
from plctl.agent.forwarder.hasty_schedule import inflated
from plctl.agent.forwarder.memory_lock import lock_memory
from plctl.agent.forwarder.worker_plan import plan_workers, read_throttle
from plctl.agent.forwarder.worker_terms import describe_refusals, describe_worker
from plctl.agent.native import _core, native_schedule
from plctl.common.base.allocator import give_back_memory
from plctl.common.base.errors import ProtocolError
from plctl.common.base.leaving import leave
from plctl.common.plan.forwarder_options import ForwarderOptions, ForwarderTerms
from plctl.common.protocol.wire import from_plain, to_plain, unpack
from plctl.common.scenario.packed import PackedSchedule, unpack_schedule

#: Making a packet ring, and closing it, waits for an RCU grace period of some 25 ms; many can wait together.
THREADS = 64
_PR_SET_PDEATHSIG = 1
LENGTH_BYTES = 4  #: of a message's length, before it


def pack(message: dict[str, Any]) -> bytes:
    """`message` as it travels: its length and its msgpack."""
    data: bytes = msgpack.packb(message)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def decode_request(data: bytes) -> dict[str, Any]:
    """The request in `data`: a map with an `id`, a `verb` and whatever the verb takes.

    :raises ProtocolError: it is none.
    """
    request = unpack(data)
    if not isinstance(request, dict) or not all(type(key) is str for key in request):
        raise ProtocolError("a request is a map of names")
    if type(request.get("id")) is not int or type(request.get("verb")) is not str:
        raise ProtocolError("a request has a number as id and a word as verb")
    return request


class Server:
    """Answers requests; several are carried out at the same time."""

    def __init__(self, forwarder: _core.Forwarder, control: socket.socket, terms: ForwarderTerms) -> None:
        self._forwarder = forwarder
        self._terms = terms
        self._control = control
        self._sending = threading.Lock()
        self._links: set[int] = set()  # slots
        self._schedules: dict[int, _core.Schedule] = {}  # by handle; a link holds its own two beside
        self._verbs: dict[str, Callable[..., Any]] = {
            "describe": self._describe,
            "share": self._share,
            "forget": self._forget,
            "add": self._add,
            "arm": self._arm,
            "trigger": self._trigger,
            "change": self._change,
            "watch": self._watch,
            "note": self._note,
            "settle": self._settle,
            "remove": self._remove,
        }

    def serve(self) -> None:
        """Carry out requests until the other end closes, then end what links are left, side by side.

        :raises ProtocolError: what came is no request.
        """
        with ThreadPoolExecutor(THREADS) as pool:
            for request in self._requests():
                pool.submit(self._answer, decode_request(request))
        with ThreadPoolExecutor(THREADS) as pool:
            pool.map(self._forwarder.remove, self._links)

    def _requests(self) -> Iterator[bytes]:
        """What comes until the other end is gone. A killed agent leaves a request unfinished, answers unread."""
        with self._control.makefile("rb") as stream, contextlib.suppress(ConnectionResetError):
            while len(head := stream.read(LENGTH_BYTES)) == LENGTH_BYTES:
                length = int.from_bytes(head, "big")
                if len(request := stream.read(length)) == length:
                    yield request

    def _answer(self, request: dict[str, Any]) -> None:
        error, result = "", None
        try:
            result = self._carry_out(**{key: value for key, value in request.items() if key != "id"})
        except OSError as refused:
            error = refused.strerror or str(refused)
        except Exception as mistake:  # whatever it is, who asked must hear of it
            error = f"{type(mistake).__name__}: {mistake}"
        with self._sending, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._control.sendall(pack({"id": request["id"], "error": error, "result": result}))

    def _carry_out(self, verb: str, **arguments: Any) -> Any:
        if verb not in self._verbs:
            raise ValueError(f"there is no verb {verb!r}; legal is {', '.join(self._verbs)}")
        return self._verbs[verb](**arguments)

    def _describe(self) -> Any:
        return to_plain(self._terms)

    def _share(self, handle: int, schedule: Any) -> None:
        packed = from_plain(PackedSchedule, schedule, "schedule")
        self._schedules[handle] = native_schedule(unpack_schedule(packed))

    def _forget(self, handle: int) -> None:
        del self._schedules[handle]

    def _add(self, slot: int, **arguments: Any) -> str:
        for way in ("up", "down"):
            arguments[way]["schedule"] = self._schedules[arguments[way]["schedule"]]
        how = self._forwarder.add(slot, **arguments)
        self._links.add(slot)
        return how

    def _arm(self, slots: list[int], t0_ns: int) -> None:
        self._forwarder.arm(tuple(slots), t0_ns)

    def _settle(self, slots: list[int], at_ns: int) -> list[tuple[int, int]]:
        return self._forwarder.settle(tuple(slots), at_ns)

    def _trigger(self, slot: int, frame: str) -> None:
        self._forwarder.trigger(slot, frame)

    def _change(self, slot: int, up: dict[str, Any], down: dict[str, Any], at_ns: int) -> bool:
        for half in (up, down):
            half["schedule"] = native_schedule(inflated(half["schedule"]), half.pop("routes"))
        return self._forwarder.change(slot, up, down, at_ns)  # type: ignore[arg-type]  # the core checks what came

    def _watch(self, gap_ns: int) -> None:
        self._forwarder.watch(gap_ns)

    def _note(self, slots: list[int], t0_ns: int, interval_ns: int) -> None:
        self._forwarder.note(tuple(slots), t0_ns, interval_ns)

    def _remove(self, slot: int) -> None:
        self._forwarder.remove(slot)
        self._links.discard(slot)


def _describe(
    forwarder: _core.Forwarder, options: ForwarderOptions, lock_refusal: str, confine_refusal: str
) -> ForwarderTerms:
    threads, nice_errors, real_time_errors = zip(*forwarder.workers(), strict=True)
    refused = describe_refusals(max(nice_errors), max(real_time_errors), options.real_time)
    return ForwarderTerms(
        pid=os.getpid(),
        workers=tuple(map(describe_worker, threads)),
        locked_memory=options.lock_memory and not lock_refusal,
        refused=(*refused, *filter(None, (lock_refusal, confine_refusal))),
    )


def main(options: ForwarderOptions, control: int, stats: int, slots: int, budget_bytes: int) -> None:
    """Be the forwarder until the agent closes the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command that started the agent
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    give_back_memory()
    with contextlib.suppress(ValueError, OSError):  # of this process; what XDP sockets share with the kernel is locked
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with contextlib.suppress(OSError):  # where the kernel groups sessions, a thread's own priority counts only in its
        Path("/proc/self/autogroup").write_text("-20")
    with socket.socket(fileno=control) as connection:
        lock_refusal = lock_memory() if options.lock_memory else ""
        workers = plan_workers(options, read_throttle())
        confine_refusal = confine()  # before there are threads, which would keep what is given up
        forwarder = _core.Forwarder(stats=stats, slots=slots, workers=workers, budget_bytes=budget_bytes)
        os.close(stats)
        Server(forwarder, connection, _describe(forwarder, options, lock_refusal, confine_refusal)).serve()
        forwarder.close()


if __name__ == "__main__":
    main(from_plain(ForwarderOptions, json.loads(sys.argv[1])), *map(int, sys.argv[2:]))
    leave()
