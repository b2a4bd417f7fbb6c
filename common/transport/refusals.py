"""Counts what was refused and says so without letting whoever is refused fill the log."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from plctl.common.base.clock import Clock
from plctl.common.base.units import NS_PER_S

if TYPE_CHECKING:
    from plctl.common.base.log import EventLog  # structlog takes a tenth of a second, and a run here has no such log

#: One peer is logged at most this often.
QUIET_NS = 60 * NS_PER_S
#: Peers that are remembered for that; beyond it those that were logged longest ago are forgotten.
MAX_PEERS = 10_000


class Refusal(StrEnum):
    """Why something that arrived had no effect."""

    KEY = "unknown_key"  #: a connection with a key that is not on the allow-list
    HANDSHAKE = "failed_handshake"  #: a connection that ended before its handshake did
    REVOKED = "revoked_key"  #: a message over a connection whose key has left the allow-list
    NAME = "wrong_name"  #: a message under a name other than the key's
    FRAMES = "wrong_frames"  #: a message of other than one frame
    MALFORMED = "malformed_message"
    VERSION = "other_version"
    FORBIDDEN = "forbidden_type"  #: a message type that this role may not send, or nobody
    STRANGER = "not_introduced"  #: a message from a connection that has not said HELLO, or that another one replaced
    SECOND = "second_agent"  #: another agent with the key of one that answers
    EPOCH = "unknown_run"  #: a message of a run that is not going on, or not with this agent
    UNTRUE = "untrue_report"  #: a report that cannot be true, or is not for its agent to make
    QUOTA = "over_quota"  #: a report that asks for more room than an agent can need
    DISTRUSTED = "distrusted"  #: a report of an agent that its run believes no more
    FLOOD = "flood"  #: a message of an agent of which too much waits to be handled already
    CUT = "cut_connection"  #: not refused, but gone without a goodbye; a message over the size limit has this effect
    ALLOW_LIST = "bad_allow_list"  #: the allow-list's file cannot be used; the last good state stays in force


@dataclass(slots=True)
class _Peer:
    said_ns: int
    unsaid: int = 0


class Refusals:
    """The counters of one controller, and the log that hears of each peer once a minute."""

    def __init__(self, clock: Clock, log: EventLog | None = None) -> None:
        """Without a `log` only count."""
        self.counts: Counter[Refusal] = Counter()
        self.by_name: dict[str, Counter[Refusal]] = {}  #: of those that have proved a name
        self._clock = clock
        self._log = log
        self._peers: OrderedDict[str, _Peer] = OrderedDict()

    def add(self, why: Refusal, address: str, cause: str, name: str = "") -> None:
        """Count one refusal of the peer `name` (empty if it has not proved one) at `address`."""
        self.counts[why] += 1
        if name and (name in self.by_name or len(self.by_name) < MAX_PEERS):
            self.by_name.setdefault(name, Counter())[why] += 1
        now = self._clock.monotonic_ns()
        who = f"{name}@{address}"
        peer = self._peers.get(who)
        if peer and now - peer.said_ns < QUIET_NS:
            peer.unsaid += 1
            return
        self._peers[who] = _Peer(now)
        self._peers.move_to_end(who)
        if len(self._peers) > MAX_PEERS:
            self._peers.popitem(last=False)
        if self._log:
            unsaid = peer.unsaid if peer else 0
            self._log.emit("peer.refused", peer=name, address=address, why=why, cause=cause, also_refused=unsaid)
