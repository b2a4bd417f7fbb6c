"""Holds the judge's own eyes to those of a tool that all the world trusts: tcpdump at the same ends."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from truth.capture.ends import Seen
from truth.capture.frame import Frame, Number, read_frame
from truth.inside import inside

_MAGIC_NS = 0xA1B23C4D  #: a pcap file with nanoseconds, in this machine's byte order
_FILE, _RECORD = struct.Struct("=IHHiIII"), struct.Struct("=IIII")
_INTERFACES = {"client": "veth1", "server": "veth2"}
#: Stamps are made one after the other, by two sockets, and each is of the same frame.
APART_NS = 2_000_000
#: Of which way (0: up, 1: down) frames leave at an end.
_LEAVES = {"client": 0, "server": 1}


class Tcpdump:
    """Captures at one end until `stop`."""

    def __init__(self, namespace: int, end: str, file: Path) -> None:
        """In the namespace of the `end`; the capture goes to `file`.

        :raises RuntimeError: it does not begin.
        """
        self._end, self._file = end, file
        command = [
            "tcpdump",
            "-i",
            _INTERFACES[end],
            "-n",
            "-U",
            "--immediate-mode",  # a run that ends early takes the interface away, and what was not fetched yet
            "-B",
            "65536",
            "--time-stamp-precision=nano",
            "-Z",
            "root",
        ]
        self._process = inside(
            namespace,
            lambda: subprocess.Popen(
                [*command, "-w", str(file)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True,
            ),
        )  # fmt: skip
        assert self._process.stderr is not None
        self.pid = self._process.pid
        self._whole = False
        said = ""
        while "listening on" not in said:
            line = self._process.stderr.readline()
            said += line
            if not line:
                raise RuntimeError(f"tcpdump did not begin: {said}")

    def stop(self) -> None:
        """Have it write what it still holds."""
        gone = self._process.poll() is not None  # its interface went away or down
        self._process.terminate()
        _, said = self._process.communicate(timeout=20)
        self._whole = "0 packets dropped by kernel" in said and not gone

    def compare(self, seen: Seen, *, filtered: bool) -> list[str]:
        """What the judge saw otherwise. `filtered`: tc may have dropped, behind tcpdump, what came in.

        Nothing if tcpdump itself says that it missed frames.
        """
        if not self._whole:
            return []
        frames = {frame.number: frame for frame in self._frames() if frame.number}
        left = {number: frame for number, frame in frames.items() if number.way == _LEAVES[self._end]}
        came = frames.keys() - left.keys()
        mine_left = {frame.number: frame for frame in seen.left if frame.number}
        mine_came = {frame.number for frame in seen.came if frame.number}
        wrong = [
            *_differ(f"left at the {self._end}", left.keys(), mine_left.keys()),
            *_differ(f"came at the {self._end}", came & mine_came if filtered else came, mine_came),
        ]
        offsets = [left[number].stamp_ns - mine_left[number].stamp_ns for number in left.keys() & mine_left.keys()]
        if offsets and max(offsets) - min(offsets) > APART_NS:
            wrong.append(f"stamps at the {self._end} differ by {(max(offsets) - min(offsets)) / 1e6:.3f} ms")
        return wrong

    def _frames(self) -> Iterator[Frame]:
        data = self._file.read_bytes()
        assert _FILE.unpack_from(data)[0] == _MAGIC_NS
        at = _FILE.size
        while at + _RECORD.size <= len(data):
            seconds, nanoseconds, kept, length = _RECORD.unpack_from(data, at)
            at += _RECORD.size
            stamp_ns = seconds * 10**9 + nanoseconds
            yield read_frame(data[at : at + kept], stamp_ns, length, outgoing=False, finished=True)
            at += kept


def _differ(what: str, tcpdump: set[Number], mine: set[Number]) -> Iterator[str]:
    if only := tcpdump - mine:
        yield f"tcpdump saw {len(only)} frames that {what} which the judge did not see, e.g. {min(only)}"
    if only := mine - tcpdump:
        yield f"the judge saw {len(only)} frames that {what} which tcpdump did not see, e.g. {min(only)}"
