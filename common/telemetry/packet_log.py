"""The record that a packet log holds of each frame, as it lies in memory, on the wire and in the controller's stream.

A log has one record for each frame that came to a direction of a link since the link was built, written when the frame
was sent or dropped; so records are in the order of fates, and `number` is the order of arrival. What is still inside
the link has none, what the receive ring overran was never seen, and what found the log full is counted as lost: the
numbers that are missing say which.

A log that captures keeps the first bytes of each frame, too, as it arrived: those of the records with CAPTURED, one
frame after the other and in the order of the records. What found no room has its record all the same, without that
flag.
"""

from __future__ import annotations

import struct
from typing import Final

from plctl.common.telemetry.counters import COUNTERS

#: name → format of each field in `struct packet_record` (agent/native/shared/packet_log.h), little-endian, without
#: padding. Times are CLOCK_MONOTONIC of the agent's host in ns; 0 where there was no such moment.
FIELDS: Final[dict[str, str]] = {
    "number": "Q",  # of the frame's arrival in its direction, from 1
    "arrival_ns": "q",  # as the model saw it
    "moved_ns": "q",  # by how much that is later than the true arrival
    "start_ns": "q",  # of service
    "end_ns": "q",
    "due_ns": "q",
    "sent_ns": "q",
    "route": "I",  # 0, 1, … in order of appearance in the schedule; NO_ROUTE if not admitted
    "length": "H",  # of the Ethernet frame without FCS and without the link's overhead
    "verdict": "B",
    "flags": "B",  # ECN, MARKED, CORRUPT, COPY and CAPTURED
    "flow": "I",  # a hash of its flow; 0 where the queue's discipline does not look at it
    "bit": "I",  # which one the path flipped, of those behind the Ethernet header; 0 if none
}
RECORD: Final = struct.Struct("<" + "".join(FIELDS.values()))
#: Bytes that a link's log takes on its host: a ring of 65536 records for each direction, and its counts.
LOG_BYTES: Final = 2 * (16 * 8 + 65536 * RECORD.size)
#: Bytes that a log with first bytes takes besides: a ring of 8 MiB for each direction, and its counts.
CAPTURE_LOG_BYTES: Final = 2 * (16 * 8 + 8 * 2**20)
NO_ROUTE: Final = 2**32 - 1

#: Flags of a frame: its ECN field as it arrived, if the queue's discipline looks at it; the queue set CE; the path
#: flipped one of its bits; the path made it of the frame with the same number; its first bytes were kept.
ECN: Final = 3
MARKED: Final = 4
CORRUPT: Final = 8
COPY: Final = 16
CAPTURED: Final = 32
#: What became of a frame, by what `verdict` holds. From 128 on: lost by the machine, not on the emulated path.
VERDICTS: Final[dict[int, str]] = {0: "admitted"} | {
    each.logged: each.verdict for each in COUNTERS.values() if each.logged is not None
}
#: Verdicts of frames that the bottleneck served.
SERVED: Final = frozenset({"admitted", "lost_send"})
