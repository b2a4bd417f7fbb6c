from collections.abc import Sequence
from typing import Literal, final

from typing_extensions import Buffer

from plctl.agent.native import (
    HalfArguments,
    NativeOpportunities,
    NativeQueue,
    NativeRow,
    NativeWorker,
    SharedHalfArguments,
)
from plctl.common.plan.half_impairments import NativeImpairments

#: The names of a row's fields, in the order of a Schedule's columns.
ROW_FIELDS: tuple[str, ...]

#: Discipline → its parameters in the core's order, as (name, least, most); drop-tail, which has none, is not in it.
DISCIPLINES: dict[str, list[tuple[str, int, int]]]

@final
class Schedule:
    """The rows of one direction, which any number of halves may share."""

    def __new__(
        cls,
        *,
        columns: tuple[bytes, ...],
        routes: int,
        period_ns: int,
        opportunities: NativeOpportunities | None = None,
        loop_ns: int = 0,
    ) -> Schedule:
        """Of a column for each of `ROW_FIELDS`: native 64-bit integers, one a row; routes are 0 to `routes` - 1.

        With `opportunities` service is by them (opportunities.h), not by the rows' rates. A period begins at `loop_ns`.

        ValueError, with the row in its message, for what breaks a rule.
        """

@final
class Half:
    """One direction of an emulated link in virtual time (half.h), with the caller as its clock; for tests.

    Times are integer nanoseconds from 0 to 2**63 - 2. A time before virtual now counts as now. Arguments out of range
    raise ValueError, of the wrong type TypeError; the message names the argument and says what is legal.
    """

    def __new__(
        cls,
        *,
        rows: Sequence[NativeRow],
        routes: int,
        period_ns: int,
        loop_ns: int = ...,
        capacity_unit: Literal["bytes", "packets", "bdp"],
        capacity_amount: int,
        full_frame: int,
        reconfiguration_ns: int,
        reconfiguration_mode: Literal["gsl", "all"],
        queue: NativeQueue,
        impairments: NativeImpairments,
        key: int,
        opportunities: NativeOpportunities = ...,
    ) -> Half:
        """With `opportunities` service is by them (opportunities.h), not by the rows' rates."""

    def arm(self, t0: int, /) -> None:
        """Start scenario time at `t0`; ValueError if that is past or scenario time has started."""
    def change(self, at: int, arguments: HalfArguments, /) -> None:
        """Go over to the rows and impairments of `arguments`, whose rows are the same until `at`.

        ValueError if virtual time is there already, or scenario time has not started.
        """
    def advance(self, now: int, /) -> None:
        """Bring virtual time to `now`."""
    def arrive(self, at: int, length: int, ecn: int = 0, flow: int = 0, /) -> tuple[int, int]:
        """A frame of `length` bytes arrives: (verdict, arrival as modelled). Verdicts: 0 admitted, 1 queue full.

        `ecn` is the ECN field of its IP header, `flow` a hash of its flow.
        """
    def marked(self) -> tuple[int, list[int]]:
        """How many frames the queue has marked, and the numbers of those that were popped so far."""
    def corrupted(self) -> list[tuple[int, int]]:
        """All frames that were popped corrupt: (number, place of the bit, in 2**-32 of the way)."""
    def dropped(self) -> list[tuple[int, int, int]]:
        """What was dropped after it had been admitted, since the last call: (number, verdict, when)."""
    def pop(self, now: int, /) -> list[tuple[int, int, int, int, int]]:
        """Advance to `now`, then all frames due by then: (number of its arrival from 0, arrival, start, end, due)."""
    def next_due(self) -> int:
        """A time before which nothing becomes due; 2**63 - 1 if nothing is inside."""
    def overdue(self, at: int, /) -> tuple[int, int]:
        """How many frames in flight are due by `at`, and when the first of them was: 0 if there are none."""
    def now(self) -> int:
        """Virtual time."""
    def aqm_ppm(self) -> int:
        """With which probability the queue's discipline drops or marks, in millionths."""
    def aqm_average(self) -> int:
        """The average length of the queue, in bytes, by which its discipline decides; 0 if it has none."""
    def gauges(self) -> tuple[int, int, int, int]:
        """(Backlog in bytes, backlog in packets, packets in flight, index of the row in force)."""

@final
class Forwarder:
    """Worker threads that carry the frames of many links; links live in numbered slots.

    Methods may be called from several threads, but for one slot by one at a time. They raise OSError, with a sentence
    as its strerror, for what the machine refuses; ValueError or TypeError for what the caller got wrong.
    """

    def __new__(cls, *, stats: int, slots: int, workers: tuple[NativeWorker, ...], budget_bytes: int) -> Forwarder:
        """Start a thread for each of `workers`; OSError if one cannot run on its CPU.

        `stats` is the descriptor of a file of at least stats_size(slots) bytes, for the statistics; it may be closed
        afterwards. The frames inside all links together take at most `budget_bytes`.
        """
    def add(
        self,
        slot: int,
        *,
        netns: str,
        interfaces: tuple[str, str],
        up: SharedHalfArguments,
        down: SharedHalfArguments,
        mtu: int,
        overhead_bytes: int,
        ring_bytes: int,
        store_bytes: int,
        io: str,
        coalesce_ns: int,
        packet_log: str,
    ) -> str:
        """Forward between two interfaces (towards the client, the server) in the namespace at the path `netns`.

        Row 0 of both directions holds until the link is started. Each interface gets a receive ring of about
        `ring_bytes`. `io` is "auto", "packet" or "xdp"; an XDP link reserves `store_bytes` for frames inside it. With
        "super" super-frames come and go; a segment may leave `coalesce_ns` late so that others leave with it.
        Returns in a few words what carries the frames, and why not XDP where "auto" would have preferred it.
        `packet_log` is the path of a file for the link's packet log, or empty: PACKET_LOG_BYTES zeros, or
        CAPTURING_LOG_BYTES after `capture_set`, for a log with the first bytes of each frame.
        """
    def arm(self, slots: tuple[int, ...], t0_ns: int, /) -> None:
        """Start the scenarios of links at `t0_ns` (CLOCK_MONOTONIC); OSError if that has passed or one has started.

        All are armed or none, however many workers serve them. One that waits for a frame is refused, too.
        """
    def trigger(self, slot: int, frame: str, /) -> None:
        """Start the link's scenario with the first frame that `frame`, a `StartMode` other than at-t0, describes."""
    def change(self, slot: int, up: SharedHalfArguments, down: SharedHalfArguments, at_ns: int, /) -> bool:
        """Let a link that runs go over, in both directions at once, to rows that are the same until `at_ns`.

        False, and nothing is changed, if virtual time is there already. OSError if its scenario has not started.
        """
    def remove(self, slot: int, /) -> None:
        """End the link; what is inside is lost."""
    def watch(self, gap_ns: int, /) -> None:
        """Have workers record gaps that are longer than `gap_ns`, one by one, as long as they have links."""
    def note(self, slots: tuple[int, ...], t0_ns: int, interval_ns: int, /) -> None:
        """Note what links have counted at T0 and every interval after it (grid.h). OSError: T0 has passed."""
    def settle(self, slots: tuple[int, ...], at_ns: int, /) -> list[tuple[int, int]]:
        """Read what has arrived on links; of each, how many frames should have left by `at_ns`, and when the first.

        `at_ns` must be past. The second number is 0 where the first is.
        """
    def workers(self) -> list[tuple[int, int, int]]:
        """Of each: its thread's id, and the errno with which nice -20 and real-time priority were refused, or 0."""
    def close(self) -> None:
        """End all links and threads. Afterwards the other methods raise ValueError."""

def draw(key: int, purpose: int, n: int, /) -> tuple[int, int, int, int]:
    """Random numbers below 2**32 for the nth frame and a purpose (draw() in draw.h); for tests."""

def histogram_bucket(ns: int, /) -> int:
    """The bucket that counts `ns` (histogram_bucket() in stats.h); for tests."""

def slot_bytes(length: int, /) -> int:
    """Memory that a frame of `length` bytes takes inside a link (pool_slot_bytes() in pool.h); for tests."""

#: ({bucket: count}, least, greatest) in nanoseconds, as in plctl.common.telemetry.histogram.
NativeHistogram = tuple[dict[int, int], int, int]
#: The counters and gauges of a half as this core has them; for tests.
COUNTER_NAMES: tuple[str, ...]
#: In that order.
NativeCounters = tuple[int, ...]
#: (counters, lateness, transit).
NativeHalfStats = tuple[NativeCounters, NativeHistogram, NativeHistogram]

def stats_size(slots: int, /) -> int:
    """Bytes of shared memory for the statistics of `slots` links."""

def read_stats(buffer: Buffer, slot: int, /) -> tuple[int, int, NativeHalfStats, NativeHalfStats]:
    """What the link in `slot` has counted: (t0_ns, started_ns, up, down). OSError if its writer died half-way."""

def read_start(buffer: Buffer, slot: int, /) -> tuple[int, int]:
    """(t0_ns, started_ns) of the link in `slot`."""

def read_noted(buffer: Buffer, slot: int, /) -> tuple[dict[int, int], dict[int, int], dict[int, int], dict[int, int]]:
    """Buckets of lateness and transit up, then down, as of the last snapshots of the link in `slot`."""

#: (2 × index of the slot + direction, instant, since when it was counted, counters, figures), as in struct snapshot.
NativeSnapshot = tuple[int, int, int, NativeCounters, tuple[int, ...]]

def take_snapshots(buffer: Buffer, slots: tuple[int, ...], /) -> list[NativeSnapshot]:
    """What was noted of the links in `slots` and not taken yet, of each direction in order of time."""

#: The most workers that a forwarder can have.
WORKERS_MAX: int

def worker_of(buffer: Buffer, slot: int, /) -> int:
    """The number of the worker that serves, or last served, the link in `slot`."""

def read_worker(buffer: Buffer, worker: int, /) -> tuple[int, int, int, int, list[tuple[int, int]], NativeHistogram]:
    """How a worker's heart beats (struct worker_stats in stats.h).

    (passes; when the last began, 0 if there is no such worker; until when it sleeps at most; how many gaps it recorded;
    the last of those as (begin, length), oldest first; all gaps).
    """

#: Bytes of a link's packet log: two rings of PACKET_LOG_RECORDS records each, as in packet_log.h.
PACKET_LOG_BYTES: int
PACKET_LOG_RECORDS: int

def packet_log_read(log: Buffer, direction: int, most: int, /) -> bytes:
    """Take up to `most` records (plctl.common.telemetry.packet_log) out of the ring for `direction` (0 up, 1 down)."""

def packet_log_lost(log: Buffer, direction: int, /) -> int:
    """How many records found the ring full since the link was added."""

def packet_log_write(log: Buffer, direction: int, record: bytes, /) -> None:
    """Put a record into the ring as the forwarder does; for tests."""

#: Bytes of a log with the first bytes of each frame: two further rings, each with CAPTURE_BYTES of frames.
CAPTURING_LOG_BYTES: int
CAPTURE_BYTES: int

def capture_set(log: Buffer, most: int, /) -> None:
    """Let a log of CAPTURING_LOG_BYTES keep the first `most` bytes of each frame; before the forwarder has it."""

def capture_read(log: Buffer, direction: int, records: bytes, /) -> bytes:
    """The first bytes that belong to what `packet_log_read` returned last, one frame after the other.

    :raises ValueError: these are not the records that came next.
    """

def capture_lost(log: Buffer, direction: int, /) -> int:
    """How many frames' bytes found no room, whether there was room for the record or not."""

def capture_write(log: Buffer, direction: int, ahead: int, data: bytes, /) -> int:
    """Keep first bytes for the record after `ahead` others, as the forwarder does; its flag, or 0. For tests."""

def wall_arrival(
    readings: tuple[tuple[int, int, int], ...], stamp_ns: int, earliest_ns: int, latest_ns: int, /
) -> tuple[int, int]:
    """When a frame arrived, and what that may be wrong by (wall_arrival() in wall.h); for tests.

    Each reading is of the wall clock between two of CLOCK_MONOTONIC: (before, wall, after).
    """

def tc_programs(index: int, /) -> tuple[int, int]:
    """How many eBPF programs bpf links hang on an interface of the thread's namespace (tc_programs.h).

    (ingress, egress). OSError if there is no such interface, or the kernel refuses.
    """

def allowance_trace(share: int, burst_ns: int, steps: list[tuple[int, int]], /) -> list[int]:
    """An allowance (allowance.h) of `share` millionths from time 0: for each (now, spent), what was left; for tests."""

def gather_ns(spin: str, left_ns: int, frames: int, passed_ns: int, /) -> int:
    """How long more may gather after `frames` that came `passed_ns` after others (pace_received()); for tests."""

def unread_ns(may_ns: int, frames: int, spacing_ns: int, passed_ns: int, /) -> int:
    """How long arrivals may stay unread (pace_unread_ns()), `passed_ns` after two passes with `frames` each; for tests.

    The passes were `spacing_ns` apart; rings and delays allow `may_ns`.
    """

#: The bytes of an Ethernet frame, and those of its struct virtio_net_hdr, or none.
NativeFrame = tuple[bytes, bytes]

def read_headers(data: bytes, key: int, /) -> tuple[int, int]:
    """The ECN field of a frame's IP header and a hash of its flow (headers_read() in headers.h); for tests."""

def mark_ce(data: bytearray, /) -> None:
    """Set CE in an Ethernet frame (headers_mark_ce() in headers.h); for tests."""

def read_segments(frame: NativeFrame, tag: bool, /) -> dict[str, int]:
    """How a frame divides (struct segments), once its VLAN tag is in its place again if it has a `tag`; for tests.

    ValueError: segments_read() refuses it.
    """

def cut_segment(frame: NativeFrame, index: int, ce: bool, /) -> bytes:
    """One segment as it is on the wire (segments_cut()); for tests. ValueError as above."""

def join_segments(frames: tuple[NativeFrame, ...], chosen: tuple[tuple[int, int, bool], ...], /) -> list[NativeFrame]:
    """What leaves, of segments (index of the frame, index in it, whether it is marked); for tests.

    Each is joined to those before where super_frame_add() allows it.
    """

def trigger_matches(frame: str, data: bytes, mtu: int, /) -> bool:
    """Whether a frame starts a link that waits for the kind `frame` (trigger_matches() in trigger.h); for tests."""
