"""Inputs to the frame path written by hand: ways in which sending fails that a fuzzer finds late, and impaired paths.

`python scenes.py TARGET FOLDER` writes them to files. frame_path.c, fake_packet.c, fake_xdp.c say what they mean.
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


SCENES = {"frame_path": packet, "frame_path_xdp": xdp}


def write(target: str, folder: Path) -> list[Path]:
    """The scenes of a target as files."""
    paths = []
    for name, scene in SCENES[target]():
        paths.append(folder / name)
        paths[-1].write_bytes(scene)
    return paths


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[2]))
