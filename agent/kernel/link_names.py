"""What a link's namespaces, interfaces and addresses are called: the words that commands, tests and the kernel share.

Addresses and names are phantomlink's, so that scripts written for it keep working; IPv6 is ours: unique local /64s
(RFC 4193) whose second byte names the end as the IPv4 subnet does.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_interface


@dataclass(frozen=True, slots=True)
class Outer:
    """One end of a link: the interface that applications see, and its twin in the link's namespace.

    The interface numbers are fixed, so that a request can name an interface that an earlier one of the same batch
    makes. Twins differ, because the kernel takes an interface with its twin's number for one without a twin.
    """

    interface: str
    index: int
    mac: str
    ipv4: str
    ipv6: str
    twin: str
    twin_index: int
    twin_mac: str


CLIENT = Outer("veth1", 22, "22:22:22:22:22:22", "192.168.22.2/24", "fd22::2/64",
               "sim-veth1", 122, "44:22:22:22:22:22")  # fmt: skip
SERVER = Outer("veth2", 66, "66:66:66:66:66:66", "192.168.66.2/24", "fd66::2/64",
               "sim-veth2", 166, "44:66:66:66:66:66")  # fmt: skip

CLIENT_INTERFACE, SERVER_INTERFACE = CLIENT.interface, SERVER.interface
CLIENT_MAC, SERVER_MAC = CLIENT.mac, SERVER.mac
CLIENT_IPV4, SERVER_IPV4 = (str(ip_interface(end.ipv4).ip) for end in (CLIENT, SERVER))
CLIENT_IPV6, SERVER_IPV6 = (str(ip_interface(end.ipv6).ip) for end in (CLIENT, SERVER))
LINK_CLIENT_INTERFACE, LINK_SERVER_INTERFACE = CLIENT.twin, SERVER.twin


@dataclass(frozen=True, slots=True)
class LinkNamespaces:
    """The names of a link's namespaces, as in /run/netns and `ip netns`."""

    client: str
    link: str
    server: str

    @classmethod
    def named(cls, agent: str, run: str, link: str) -> LinkNamespaces:
        """The namespaces of the link `link` of the run `run` on the agent `agent`."""
        return cls.prefixed(f"pl-{agent}-{run}-{link}")

    @classmethod
    def prefixed(cls, prefix: str) -> LinkNamespaces:
        """The namespaces whose names begin with `prefix`."""
        return cls(f"{prefix}-client", f"{prefix}-link", f"{prefix}-server")
