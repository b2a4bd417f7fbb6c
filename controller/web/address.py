"""Where the page is served: what a user writes for it, and the socket that is made of it."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from plctl.common.base.errors import KernelError, UserError
from plctl.controller.web.access.guard import is_loopback

DEFAULT = "127.0.0.1:8780"
#: Connections that wait to be taken.
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A host's address or name, and a port; 0 is any that is free."""

    host: str
    port: int

    @property
    def only_loopback(self) -> bool:
        """Whether nobody but this machine can come."""
        return is_loopback(self.host)


def parse_address(text: str) -> WebAddress:
    """The address that `text` says: ``HOST:PORT``, ``[IPV6]:PORT``, or a port of 127.0.0.1.

    :raises UserError: it says none.
    """
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdigit() and int(port) < 2**16) or (":" in bare and bare == host):
        raise UserError(f"{text!r:.80} is no address for the page; it is like {DEFAULT} or [::1]:8780")
    return WebAddress(bare or "127.0.0.1", int(port))


def listen(address: WebAddress) -> socket.socket:
    """A socket that listens there.

    :raises UserError: there is no such host.
    :raises KernelError: it cannot be listened on.
    """
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise UserError(f"there is no host {address.host!r:.80} to serve the page at: {error.strerror}") from None
    family, _, _, _, place = found[0]
    if address.only_loopback and not ipaddress.ip_address(str(place[0])).is_loopback:
        raise UserError(f"{address.host} leads to {place[0]} here, which is not this machine's loopback")
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise KernelError.from_os(f"serve the page at {address.host}:{address.port}", error) from error
    return made
