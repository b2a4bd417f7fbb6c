"""Asks what keeps this host's wall clock right, and how wrong it can be: chrony, PTP, or whoever told the kernel.

Parsing is pure; each look at the world is one small function that ends within a timeout and turns a failure into a
reason. Nothing is ever set.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from plctl.common.base.units import NS_PER_S, NS_PER_US
from plctl.common.clocks.ptp import PMC_COMMAND, parse_pmc
from plctl.common.clocks.wall_promise import ClockDiscipline, NoPromiseError, WallReading

UTC = "UTC"

CHRONY_COMMAND = ("chronyc", "-c", "-n", "tracking")
_TOOL_TIMEOUT_S = 2.0
_WALL_READINGS = 5

_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000

_CHRONY_FIELDS = 14  # as chronyc prints them since version 3


@dataclass(frozen=True, slots=True)
class Survey:
    """The tightest promise found, and why each of the others is none."""

    best: ClockDiscipline | None
    reasons: tuple[str, ...]


def read_discipline() -> ClockDiscipline | None:
    """The tightest promise that this host's wall clock comes with, or None. Takes at most some seconds; blocking."""
    return survey_disciplines().best


def survey_disciplines() -> Survey:
    """Ask all that could discipline this host's wall clock."""
    found, reasons = [], []
    looks: tuple[Callable[[], ClockDiscipline], ...] = (read_chrony, read_ptp, read_kernel)
    for look in looks:
        try:
            found.append(look())
        except NoPromiseError as reason:
            reasons.append(str(reason))
    return Survey(min(found, key=lambda discipline: discipline.max_error_ns, default=None), tuple(reasons))


def read_wall(discipline: ClockDiscipline) -> WallReading:
    """CLOCK_REALTIME against CLOCK_MONOTONIC now, with `discipline`'s word for the former: the closest of a few."""
    return min((_read_wall_once(discipline) for _ in range(_WALL_READINGS)), key=lambda reading: reading.sampling_ns)


def read_chrony() -> ClockDiscipline:
    """What chronyd promises.

    :raises NoPromiseError: no chronyc, no chronyd, or no synchronisation.
    """
    return parse_chrony(_output_of(CHRONY_COMMAND))


def read_ptp() -> ClockDiscipline:
    """What ptp4l promises.

    :raises NoPromiseError: no pmc, no ptp4l, or no promise about the wall clock.
    """
    return parse_pmc(_output_of(PMC_COMMAND))


def read_kernel() -> ClockDiscipline:
    """What the kernel was told by whoever disciplines it (ntpd, chronyd with rtcsync).

    :raises NoPromiseError: see `judge_timex`.
    """
    timex = _Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        raise NoPromiseError(f"kernel: cannot read adjtimex: {os.strerror(ctypes.get_errno())}")
    return judge_timex(timex.status, timex.offset, timex.maxerror, timex.esterror)


def parse_chrony(text: str) -> ClockDiscipline:
    """The promise in the output of `chronyc -c tracking`.

    chrony's manual: error ≤ |system time offset| + root dispersion + root delay / 2, if the stratum-1 server is right.
    The last measured offset is taken where it is greater than what is left to correct.

    :raises NoPromiseError: not synchronised, or to itself only, or not the 14 fields that are known.
    """
    fields = text.strip().split(",")
    if len(fields) != _CHRONY_FIELDS:
        raise NoPromiseError(f"chrony: chronyc answered with {len(fields)} fields instead of {_CHRONY_FIELDS}")
    reference, stratum, leap = fields[0], fields[2], fields[13]
    if leap == "Not synchronised" or stratum == "0":
        raise NoPromiseError("chrony: not synchronised")
    if reference == "7F7F0101":  # 127.127.1.1, chrony's name for `local`
        raise NoPromiseError("chrony: follows its own clock only (`local`)")
    try:
        system, last, delay, dispersion = (abs(Decimal(fields[i])) for i in (4, 5, 10, 11))
        error = max(system, last) + dispersion + delay / 2
        return ClockDiscipline("chrony", UTC, int(error * NS_PER_S) + 1)
    except (InvalidOperation, OverflowError, ValueError):
        raise NoPromiseError(f"chrony: chronyc answered with something else than numbers: {text.strip()}") from None


def judge_timex(status: int, offset: int, max_error_us: int, estimated_error_us: int) -> ClockDiscipline:
    """The promise in the kernel's `struct timex`: maximum error plus what is left to correct.

    systemd-timesyncd and phc2sys mark the clock as synchronised with both errors 0, from where the kernel lets only the
    maximum grow: that is no promise. ntpd and chronyd give an estimated error that they know.

    :raises NoPromiseError: the clock is unsynchronised, or its errors were never stated.
    """
    if status & _STA_UNSYNC:
        raise NoPromiseError("kernel: the clock is not synchronised")
    if estimated_error_us == 0:
        raise NoPromiseError("kernel: what disciplines the clock states no error (systemd-timesyncd does so)")
    offset_ns = abs(offset) if status & _STA_NANO else abs(offset) * NS_PER_US
    return ClockDiscipline("the kernel's NTP", UTC, max_error_us * NS_PER_US + offset_ns)


def _read_wall_once(discipline: ClockDiscipline) -> WallReading:
    before = time.monotonic_ns()
    wall = time.time_ns()
    after = time.monotonic_ns()
    middle = (before + after) // 2
    return WallReading(middle, wall - middle, (after - before) // 2 + 2, discipline)  # 2: the readings' rounding


def _output_of(command: tuple[str, ...]) -> str:
    """What `command` prints.

    :raises NoPromiseError: it is missing, fails, or takes too long.
    """
    tool = command[0]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, check=False,
            timeout=_TOOL_TIMEOUT_S, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except FileNotFoundError:
        raise NoPromiseError(f"{tool}: not installed") from None
    except subprocess.TimeoutExpired:
        raise NoPromiseError(f"{tool}: no answer within {_TOOL_TIMEOUT_S:g} s") from None
    except OSError as error:
        raise NoPromiseError(f"{tool}: cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NoPromiseError(f"{tool}: {said[-1] if said else f'ended with status {done.returncode}'}")
    return done.stdout


class _Timex(ctypes.Structure):
    """`struct timex` of <sys/timex.h>; all 0 asks and changes nothing."""

    _fields_ = (
        ("modes", ctypes.c_int),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),  # read by nobody here; the kernel's whole structure is 208 bytes
    )
