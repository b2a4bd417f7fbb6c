"""Inputs to the frame path written by hand: ways in which sending fails that a fuzzer finds late, and impaired paths.

`python scenes.py TARGET FOLDER` writes them to files. frame_path.c, fake_packet.c, fake_xdp.c and super/super_path.c
say what they mean.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

UP_LANE, DOWN_LANE = 0, 1
SENT, HELD, DROPPED, BUSY, NO_MEMORY, NO_BUFFERS, GOES_DOWN, GOES_AWAY = range(8)  #: outcomes of fake_xdp.c
TAKEN, ENOBUFS, EAGAIN, EINTR, EMSGSIZE = range(5)  #: outcomes of fake_packet.c
AGES = 4  #: of the kernel, in fake_xdp.c
LATER = bytes([5 << 1]) + (200_000).to_bytes(3)  #: 20 ms: all that is inside is due


def _deliver(lane: int) -> bytes:
    """The lane reads what arrived and sends what is due: a batch."""
    return bytes([lane | 3 << 1])


def _cross(count: int, lane: int = UP_LANE) -> bytes:
    """That many short frames arrive, and are sent when they are due, in batches."""
    steps = b""
    for first in range(0, count, 8):
        frames = min(8, count - first)
        steps += bytes([lane | (frames - 1) << 4]) + bytes([0, 100, 7, 0, 0]) * frames + _deliver(lane)
    return steps + LATER + _deliver(lane) * 2


def _happen(*what: int, lane: int = UP_LANE) -> bytes:
    """Something happens to the interface by which frames of the lane leave."""
    return bytes([(1 - lane) | 7 << 1, *what])


def _meet(*outcomes: int) -> bytes:
    """What the next frames meet, at most 63."""
    return _happen(128 + len(outcomes), *reversed(outcomes))


DOWN, UP, DELETED = _happen(0), _happen(20), _happen(48)
EPOLL = _happen(50)


def _release(*which: int) -> bytes:
    """The kernel frees frames that it held: each is one of those that are left."""
    return _happen(64 + len(which) - 1, *which)


def xdp() -> Iterator[tuple[str, bytes]]:
    """For frame_path_xdp, each with every kernel."""
    for age in range(AGES):
        for name, steps in _xdp_steps().items():
            yield f"{name}-{age}", bytes([0, age]) + steps
    for name, choice, what in _paths():
        yield name, bytes([choice, choice % AGES]) + what


def _xdp_steps() -> dict[str, bytes]:
    return {
        "down-and-up": _cross(40) + DOWN + _cross(40) + _cross(40) + UP + _cross(40) + _cross(40),
        "down-and-up-with-epoll": _cross(9)
        + DOWN
        + _cross(9)
        + _cross(9)
        + UP
        + EPOLL * 5
        + _cross(9)
        + EPOLL * 9
        + _cross(9),
        "down-while-frames-are-held": _meet(*[HELD] * 32, GOES_DOWN)
        + _cross(60)
        + _cross(60, DOWN_LANE)
        + _release(*[5] * 32)
        + UP
        + _cross(60),
        "dropped-then-down": _meet(SENT, SENT, DROPPED, HELD, DROPPED, HELD, SENT, GOES_DOWN)
        + _cross(40)
        + UP
        + _cross(40),
        "takes-nothing": _meet(*[BUSY] * 8)
        + _cross(64)
        + _meet(*[SENT] * 30, *[NO_MEMORY] * 9)
        + _cross(64)
        + _cross(30),
        "ring-of-completions-is-full": _happen(100, 2)
        + _meet(*[HELD] * 60)
        + _cross(64)
        + _cross(64)
        + _release(*[0] * 32)
        + _cross(30)
        + _cross(30),
        "deleted-while-frames-are-held": _meet(*[HELD] * 10, GOES_AWAY)
        + _cross(64)
        + _cross(64, DOWN_LANE)
        + _release(*[0] * 10)
        + _cross(64),
        "deleted": _cross(10) + DELETED + _cross(64) + _cross(64) + _cross(64, DOWN_LANE),
    }


def _paths() -> Iterator[tuple[str, int, bytes]]:
    """Links on which everything is chosen (chosen_half.c): for each, the first byte, and steps with their end."""
    for number in range(16):
        steps = b"".join(_cross(40, lane) + LATER for lane in (UP_LANE, DOWN_LANE) * 2)
        chosen = bytes((number * 37 + each * 11 + each * each) % 256 for each in range(64))
        yield f"path-{number}", (number * 16 + 6) % 256, steps + chosen + bytes([0xA0 + number])


def packet() -> Iterator[tuple[str, bytes]]:
    """For frame_path."""
    steps = {
        "down-and-up": _cross(40) + DOWN + _cross(40) + UP + _cross(40),
        "deleted": _cross(10) + DOWN + _happen(64) + _cross(64) + _cross(64, DOWN_LANE),
        "out-of-buffers": _meet(*[ENOBUFS] * 9, TAKEN, *[EAGAIN] * 3, TAKEN, EINTR, EMSGSIZE) + _cross(64),
    }
    for name, what in steps.items():
        yield name, bytes([0]) + what
    for name, choice, what in _paths():
        yield name, bytes([choice]) + what


PARTIAL, LOOKED_AT, WRONG = 0, 2, 3  #: checksums of super/super_path.c
LARGE, ANY_FLAGS, PSH, CWR, WRONG_HEAD = 0x50, 0x20, 0x18, 0x90, 0x80
IN_BAND, OUT_OF_BAND = 4, 64  #: of its kinds of frames: a VLAN tag
TCP4, TCP6, UDP4, UDP6 = range(4)


def _send(kind: int, size: int, payload: int, *, how: int = PARTIAL, flags: int = 0, lane: int = UP_LANE) -> bytes:
    """A flow sends its next bytes in one piece: `payload` in segments of `size`; less than eight, where not LARGE."""
    return (
        bytes([lane, kind])
        + (size - 1).to_bytes(2)
        + (payload - (how & LARGE != LARGE)).to_bytes(2)
        + bytes([flags, how])
    )


def _pass(lane: int, ticks: int, times: int = 1) -> bytes:
    """The lane reads and sends what it may; then `ticks` of 100 ns pass."""
    return (_deliver(lane) + bytes([5 << 1]) + ticks.to_bytes(3)) * times


def super_frames() -> Iterator[tuple[str, bytes]]:
    """For super_path: the link (drop-tail, 600 packets), `coalesce` in units of 4 us, and what happens."""
    steps: dict[str, bytes] = {}
    for name, kind in {"tcp4": TCP4, "tcp6": TCP6, "udp4": UDP4, "udp6": UDP6}.items():
        for tag_name, tag in {"": 0, "-tagged": IN_BAND, "-tag-taken-out": OUT_OF_BAND}.items():
            train = _send(kind | tag, 1000, 5000) + _send(kind | tag, 1000, 1000, how=LOOKED_AT)
            train += _send(kind | tag, 1000, 3500, flags=PSH, how=ANY_FLAGS) + _send(kind | tag, 900, 900, how=WRONG)
            train += _send(kind | tag, 1000, 1000) + _send(kind | tag, 1000, 1000, how=WRONG_HEAD)
            train += _send(kind | tag, 1000, 4000, flags=CWR, how=ANY_FLAGS) + _send(
                kind | tag, 1400, 60_000, how=LARGE
            )
            steps[name + tag_name] = train + _pass(UP_LANE, 500, 60) + LATER + _pass(UP_LANE, 500, 9)
            steps[f"{name}{tag_name}-at-once"] = train + _deliver(UP_LANE) * 3 + LATER + _deliver(UP_LANE) * 3
    many = b"".join(_send(n % 4, 500, 4000, lane=lane) for n in range(60) for lane in (UP_LANE, DOWN_LANE))
    steps["two-ways"] = many + (_pass(UP_LANE, 300) + _pass(DOWN_LANE, 300)) * 100
    steps["overflow"] = b"".join(_send(TCP4, 1, 65_000, how=LARGE) for _ in range(60)) + _pass(UP_LANE, 2000, 100)
    steps["refused"] = (
        _send(TCP4, 1000, 8000) * 4 + _meet(ENOBUFS, EMSGSIZE, *[EAGAIN] * 5, TAKEN) + _pass(UP_LANE, 2000, 30)
    )
    steps["down-and-up"] = _send(TCP4, 1000, 8000) * 4 + DOWN + _pass(UP_LANE, 9000, 9) + UP + _pass(UP_LANE, 9000, 9)
    for name, what in steps.items():
        for coalesce in (0, 50):
            yield f"{name}-{coalesce}", bytes([0, coalesce]) + what
    for name, choice, what in _paths():
        tail = what[-65:]
        yield name, bytes([choice, 25]) + steps["two-ways"] + LATER + steps["tcp4"] + tail


SCENES = {"frame_path": packet, "frame_path_xdp": xdp, "super_path": super_frames}


def write(target: str, folder: Path) -> list[Path]:
    """The scenes of a target as files."""
    paths = []
    for name, scene in SCENES[target]():
        paths.append(folder / name)
        paths[-1].write_bytes(scene)
    return paths


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))
