"""What a sender sends next, and what keeps it from being merged with what it sent before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from model.ip_frames import TAGS
from model.transport_frames import ACK, CWR, FIN, PSH, RST, SYN, UDP, URG, Flow

SIZE = 1000  #: bytes of payload of each full segment


def after(flow: Flow, bytes_sent: int, **changes: Any) -> Flow:
    """What the same sender sends next."""
    following = replace(flow, id=(flow.id + -(-bytes_sent // SIZE)) & 0xFFFF, seq=(flow.seq + bytes_sent) & 0xFFFFFFFF)
    return replace(following, **changes)


FLOWS = {
    "TCP, IPv4": Flow(seq=2**32 - 1500, id=2**16 - 1),
    "TCP, IPv6": Flow(version=6, seq=2**32 - 1500),
    "TCP, tagged, timestamps": Flow(tags=TAGS["QinQ"], tcp_options=bytes.fromhex("0101080a0000000100000002")),
    "UDP, IPv4": Flow(protocol=UDP),
    "UDP, IPv6": Flow(protocol=UDP, version=6),
}

#: What differs in the second frame, so that it leaves apart.
CHANGES: dict[str, tuple[Flow, dict[str, Any]]] = {
    "another port": (Flow(), {"ports": (1000, 54)}),
    "a gap": (Flow(), {"seq": 2002}),
    "sent again": (Flow(), {"seq": 1}),
    "acknowledges more": (Flow(), {"ack": 3}),
    "another window": (Flow(), {"window": 499}),
    "other options": (Flow(tcp_options=bytes(4)), {"tcp_options": bytes([1] * 4)}),
    "more options": (Flow(), {"tcp_options": bytes([1] * 4)}),
    "the window was reduced": (Flow(), {"flags": ACK | CWR}),
    "the window was reduced before": (Flow(flags=ACK | CWR), {"flags": ACK}),
    "urgent": (Flow(), {"flags": ACK | URG}),
    "AE": (Flow(), {"reserved": 1}),
    "ECN": (Flow(tos=2), {"tos": 3}),
    "DSCP": (Flow(), {"tos": 4}),
    "TTL": (Flow(), {"ttl": 63}),
    "may be fragmented": (Flow(), {"dont_fragment": False}),
    "an ID is left out": (Flow(), {"id": 10}),
    "a fixed ID": (Flow(id=0), {"id": 0}),
    "an ID is left out, UDP": (Flow(protocol=UDP), {"id": 10}),
    "a port, UDP": (Flow(protocol=UDP), {"ports": (1001, 53)}),
    "hop limit": (Flow(version=6), {"ttl": 63}),
    "flow label": (Flow(version=6), {"flow_label": 1}),
    "traffic class": (Flow(version=6), {"tos": 1}),
    "an extension header": (Flow(version=6), {"extensions": bytes([6, 0, 1, 4, 0, 0, 0, 0])}),
    "another extension header": (
        Flow(version=6, extensions=bytes([6, 0, 1, 4, 0, 0, 0, 0])), {"extensions": bytes([6, 0, 1, 4, 0, 0, 0, 1])},
    ),
    "another VLAN": (Flow(tags=TAGS["tagged"]), {"tags": bytes.fromhex("81002006")}),
    "another version": (Flow(), {"version": 6}),
    "another protocol": (Flow(), {"protocol": UDP}),
}  # fmt: skip

#: Frames of so many bytes of payload that nothing can follow.
CLOSING: dict[str, tuple[Flow, int]] = {
    "PSH": (Flow(flags=ACK | PSH), 2000),
    "FIN": (Flow(flags=ACK | FIN), 2000),
    "SYN": (Flow(flags=ACK | SYN), 2000),
    "RST": (Flow(flags=ACK | RST), 2000),
    "URG": (Flow(flags=ACK | URG), 2000),
    "a short segment": (Flow(), 1999),
    "no payload": (Flow(), 0),
    "IPv4 options": (Flow(ip_options=bytes([1] * 4)), 2000),
}  # fmt: skip
